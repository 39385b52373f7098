/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The TCP server core: what a server module sees of it.
 *
 * A server module describes its protocol with one struct ktcp_proto, calls
 * ktcp_init() once, and starts any number of servers, each a listener in one
 * network namespace. The core accepts, reads, writes, times out and tears
 * down; the protocol is handed the bytes of one connection, in order, and
 * says what to answer. Its callbacks for one connection never run
 * concurrently.
 *
 * The core is compiled into each module, so that every module loads alone:
 * nothing here is shared between two modules.
 */
#ifndef KTCP_H
#define KTCP_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct net;
struct sock;
struct socket;
struct ktcp_conn;
struct ktcp_io;

/**
 * struct ktcp_proto - what a server does with the bytes of a connection
 * @name: names the workqueue and the slab cache; the module's name
 * @priv_size: bytes of private state per connection, zeroed at accept, see
 *	ktcp_conn_priv()
 * @rx: bytes have arrived. Called with the socket locked: it may queue output
 *	and look at its state, and must not block. @data is valid during the
 *	call only. Returns how many bytes it has consumed; the rest stays in
 *	the socket and is offered again once output has gone out. A negative
 *	errno aborts the connection. After ktcp_io_close() it is never called
 *	again, and after ktcp_io_more() not before @tx has returned 0: what it
 *	has not consumed by then, and what has come behind that, waits.
 * @tx: optional; called after ktcp_io_more() whenever all output so far has
 *	gone into the socket. The socket is not locked, so it may block, on a
 *	file for instance. Returns 1 to be called again, 0 when there is no
 *	more, or a negative errno, which aborts the connection.
 * @timeout: optional; the connection's time is over. It may queue a last
 *	message. The core closes the connection after it.
 * @closed: optional; the last call for a connection, whose socket is gone.
 *	Frees what @priv refers to.
 */
struct ktcp_proto {
	const char *name;
	size_t priv_size;
	int (*rx)(struct ktcp_io *io, const u8 *data, size_t len);
	int (*tx)(struct ktcp_io *io);
	void (*timeout)(struct ktcp_io *io);
	void (*closed)(struct ktcp_conn *conn);
};

/**
 * struct ktcp_config - how one server listens; copied by ktcp_server_start()
 * @addr: address and port to bind
 * @backlog: connections that wait for accept; the kernel caps it at somaxconn
 * @max_conns: open connections at most. Further ones wait in the backlog
 *	until one ends.
 * @timeout_ms: a connection ends this long after accept, or after the last
 *	ktcp_conn_touch(); 0: it may stay
 * @linger_ms: how long the peer may take to answer our FIN with its own, from
 *	its acknowledgment on. Until then it may acknowledge nothing for
 *	@timeout_ms, or for a minute where that is 0, but at least for this.
 * @stop_ms: how long ktcp_server_stop() waits for peers to acknowledge the
 *	end of their connections before it resets those that have not. It then
 *	waits for work that is in ktcp_proto.tx, however long that blocks
 */
struct ktcp_config {
	struct sockaddr_storage addr;
	int backlog;
	unsigned int max_conns;
	unsigned int timeout_ms;
	unsigned int linger_ms;
	unsigned int stop_ms;
};

/**
 * struct ktcp_stats - counters of one server since ktcp_server_init()
 * @active: connections open now
 * @accepted: connections accepted
 * @closed: connections that are gone again, whatever the reason
 * @timed_out: of those, the ones that ran out of time
 * @errors: of those, the ones that ended with a reset, from either side, or
 *	for want of memory; and accepts that failed
 * @bytes_in: bytes that the protocol has consumed
 * @bytes_out: bytes that sockets have taken
 */
struct ktcp_stats {
	u64 active;
	u64 accepted;
	u64 closed;
	u64 timed_out;
	u64 errors;
	u64 bytes_in;
	u64 bytes_out;
};

/*
 * What the connections of a server have moved, on one processor: counted where
 * it happens, without a lock, so that who reads the counters disturbs nobody.
 * Unsigned long, as in SNMP counters: no reader sees half of an update.
 */
struct ktcp_traffic {
	unsigned long bytes_in;
	unsigned long bytes_out;
};

/**
 * struct ktcp_server - a listener and its connections
 *
 * The owner embeds it and keeps it until ktcp_server_uninit() has returned.
 * All fields belong to the core.
 */
struct ktcp_server {
	/* Serializes start, close and drain. */
	struct mutex mutex;
	/* NULL when not running. Changed under both mutex and lock. */
	struct socket *sock;
	struct delayed_work accept;
	struct ktcp_config cfg;
	unsigned long stop_deadline; /* jiffies */
	struct ktcp_traffic __percpu *traffic;

	/* What every socket of this server had before we came. */
	void (*saved_data_ready)(struct sock *sk);
	void (*saved_write_space)(struct sock *sk);
	void (*saved_state_change)(struct sock *sk);

	/*
	 * Taken in process context only, and held for a bounded time: nobody
	 * goes through all connections under it. Guards what follows.
	 */
	spinlock_t lock;
	struct list_head conns;
	struct ktcp_stats stats; /* but for the bytes, which are in traffic */
	bool stopping;
	bool aborting;
	bool accept_paused;
	struct delayed_work sweep;
	bool sweep_armed;
	bool sweep_all; /* the next one kicks every connection */
	unsigned long sweep_at;
	struct list_head *sweep_pos; /* where it goes on, if it runs */
	wait_queue_head_t drained;
};

int ktcp_init(const struct ktcp_proto *proto, unsigned int wq_flags);
void ktcp_uninit(void);

int ktcp_server_init(struct ktcp_server *srv);
void ktcp_server_uninit(struct ktcp_server *srv);
int ktcp_server_start(struct ktcp_server *srv, struct net *net,
		      const struct ktcp_config *cfg);
void ktcp_server_close(struct ktcp_server *srv);
void ktcp_server_drain(struct ktcp_server *srv);
void ktcp_server_stop(struct ktcp_server *srv);
bool ktcp_server_running(struct ktcp_server *srv);
void ktcp_server_stats(struct ktcp_server *srv, struct ktcp_stats *stats);

void *ktcp_conn_priv(struct ktcp_conn *conn);
void ktcp_conn_touch(struct ktcp_conn *conn);
void ktcp_conn_expire(struct ktcp_conn *conn, unsigned int ms);

/* The longest piece that is written in place, see ktcp_io_piece(). */
#define KTCP_IO_PIECE 256

struct ktcp_conn *ktcp_io_conn(struct ktcp_io *io);
bool ktcp_io_full(struct ktcp_io *io);
bool ktcp_io_send(struct ktcp_io *io, const void *data, size_t len);
size_t ktcp_io_copy(struct ktcp_io *io, const void *data, size_t len);
void *ktcp_io_piece(struct ktcp_io *io, size_t len);
void ktcp_io_more(struct ktcp_io *io);
void ktcp_io_close(struct ktcp_io *io);

#endif
