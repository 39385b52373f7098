// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A connection's birth, its socket's callbacks, and its one way to die. */

#include <linux/net.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/sock.h>

#include "internal.h"

static struct kmem_cache *conn_cache;

/*
 * Objects are initialized at accept. The constructor is there because SLUB
 * never merges a cache that has one with another: a connection that is still
 * there when the module goes is then reported by name.
 */
static void conn_construct(void *obj)
{
	struct ktcp_conn *conn = obj;

	INIT_LIST_HEAD(&conn->node);
}

int ktcp_conn_cache_init(void)
{
	conn_cache = kmem_cache_create(ktcp_proto->name,
				       sizeof(struct ktcp_conn) +
					       ktcp_proto->priv_size,
				       0, SLAB_HWCACHE_ALIGN, conn_construct);
	return conn_cache ? 0 : -ENOMEM;
}

void ktcp_conn_cache_uninit(void)
{
	kmem_cache_destroy(conn_cache);
}

/* The caller holds what lets it find the connection: see struct ktcp_conn. */
void ktcp_conn_kick(struct ktcp_conn *conn)
{
	queue_work(ktcp_wq, &conn->work);
}

static void conn_data_ready(struct sock *sk)
{
	struct ktcp_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn)
		ktcp_conn_kick(conn);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_write_space(struct sock *sk)
{
	struct ktcp_conn *conn;

	if (!sk_stream_is_writeable(sk))
		return;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	/*
	 * sendmsg calls this before it returns when it could not get memory
	 * for an empty queue. Coming back at once would only spin: the sweep
	 * will.
	 */
	if (conn && !conn->sending) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		ktcp_conn_kick(conn);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_state_change(struct sock *sk)
{
	struct ktcp_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (!conn)
		goto out;
	/*
	 * FIN_WAIT2 only says that the peer has acknowledged our FIN. From now
	 * on it has its time for its own, unless the server stops and waits no
	 * longer. (No wake-up is lost: stop sets the flag first, then kicks
	 * everybody.) The work does not look at the deadline now: it would hold
	 * the socket lock, as our caller does. The deadline moves back, so the
	 * sweep need not be told: before, it is linger_ms away at most.
	 */
	if (sk->sk_state == TCP_FIN_WAIT2 && !READ_ONCE(conn->srv->stopping))
		WRITE_ONCE(conn->deadline,
			   ktcp_conn_deadline(conn->srv->cfg.linger_ms));
	else
		ktcp_conn_kick(conn);
out:
	read_unlock_bh(&sk->sk_callback_lock);
}

/* Jiffies at which something ends that has @ms from now; 0: never. */
unsigned long ktcp_conn_deadline(unsigned int ms)
{
	return jiffies + (ms ? msecs_to_jiffies(ms) : MAX_JIFFY_OFFSET);
}

/*
 * Makes a connection of an accepted socket, which it consumes also when it
 * fails. The connection's work does the rest: the server's list is the only
 * way to find the connection until then, and srv->lock keeps it alive here.
 */
int ktcp_conn_create(struct ktcp_server *srv, struct socket *sock)
{
	struct ktcp_conn *conn;

	conn = kmem_cache_alloc(conn_cache, GFP_KERNEL);
	if (!conn) {
		/* See ktcp_conn_release(), 4. */
		sock_no_linger(sock->sk);
		sock_release(sock);
		return -ENOMEM;
	}

	memset(conn, 0, sizeof(*conn) + ktcp_proto->priv_size);
	INIT_WORK(&conn->work, ktcp_io_work);
	conn->sk = sock->sk;
	conn->sock = sock;
	conn->srv = srv;
	conn->own_ms = srv->cfg.timeout_ms;
	conn->deadline = ktcp_conn_deadline(conn->own_ms);

	spin_lock(&srv->lock);
	list_add_tail(&conn->node, &srv->conns);
	srv->stats.active++;
	srv->stats.accepted++;
	ktcp_sweep_arm(srv, conn->deadline);
	ktcp_conn_kick(conn);
	spin_unlock(&srv->lock);
	return 0;
}

/*
 * Replaces the callbacks that the socket inherited from the listener. First
 * thing in the connection's first work, which then looks at the socket
 * whatever the callbacks say: its bytes may have come before them.
 */
void ktcp_conn_hook(struct ktcp_conn *conn)
{
	struct sock *sk = conn->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = conn;
	sk->sk_data_ready = conn_data_ready;
	sk->sk_write_space = conn_write_space;
	sk->sk_state_change = conn_state_change;
	write_unlock_bh(&sk->sk_callback_lock);
}

static void conn_unhook(struct ktcp_conn *conn)
{
	struct ktcp_server *srv = conn->srv;
	struct sock *sk = conn->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_data_ready = srv->saved_data_ready;
	sk->sk_write_space = srv->saved_write_space;
	sk->sk_state_change = srv->saved_state_change;
	sk->sk_user_data = NULL;
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * The one way out, whatever the reason. Called by the connection's own work,
 * once, as its last act.
 */
void ktcp_conn_release(struct ktcp_conn *conn)
{
	struct ktcp_server *srv = conn->srv;

	/* 1. The socket's callbacks cannot find the connection any more, */
	conn_unhook(conn);

	/* 2. nor can the sweep or stop: nobody is left to queue the work. */
	spin_lock(&srv->lock);
	ktcp_sweep_skip(srv, conn);
	list_del_init(&conn->node);
	srv->stats.closed++;
	if (conn->timed_out)
		srv->stats.timed_out++;
	if (conn->aborted)
		srv->stats.errors++;
	spin_unlock(&srv->lock);

	/* 3. They may have queued it while it was running, up to now. */
	cancel_work(&conn->work);

	/*
	 * 4. Without callbacks the socket has no way back into our text. It may
	 * go quietly when TCP needs nothing more from it. In any other state it
	 * is reset: a kernel socket holds no reference to its namespace, so
	 * tcp_close() stops its timers, and if it relied on a retransmission it
	 * would stay for ever.
	 */
	if (conn->aborted)
		sock_no_linger(conn->sk);
	sock_release(conn->sock);

	/* 5. Nothing refers to it. */
	if (ktcp_proto->closed)
		ktcp_proto->closed(conn);
	kfree(conn->tail);
	kmem_cache_free(conn_cache, conn);

	/*
	 * 6. Last, for who waits for zero takes it as leave to free the server
	 * and its namespace. The wake-up is inside the lock, and the waiter
	 * looks at the count under it: it cannot be gone before us.
	 */
	spin_lock(&srv->lock);
	srv->stats.active--;
	ktcp_accept_resume(srv);
	if (!srv->stats.active)
		wake_up_all(&srv->drained);
	spin_unlock(&srv->lock);
}

/**
 * ktcp_conn_priv - the protocol's own state of a connection
 * @conn: the connection
 *
 * Return: ktcp_proto.priv_size bytes, aligned for any type.
 */
void *ktcp_conn_priv(struct ktcp_conn *conn)
{
	return conn->priv;
}

/* Gives the connection @ms from now. */
static void conn_set_time(struct ktcp_conn *conn, unsigned int ms)
{
	struct ktcp_server *srv = conn->srv;
	unsigned long at = ktcp_conn_deadline(ms);
	bool sooner = time_before(at, conn->deadline);

	WRITE_ONCE(conn->deadline, at);
	/*
	 * A sweep is planned for the old one, or earlier, or none if that was
	 * never. Every store that brings a deadline forward plans one, so that
	 * those that move it back, which are many, need not.
	 */
	if (sooner) {
		spin_lock(&srv->lock);
		ktcp_sweep_arm(srv, at);
		spin_unlock(&srv->lock);
	}
}

/**
 * ktcp_conn_expire - the connection's time is another one from now on
 * @conn: the connection, in a callback of its own
 * @ms: how long it may stay without a further call or ktcp_conn_touch();
 *	0: for ever
 */
void ktcp_conn_expire(struct ktcp_conn *conn, unsigned int ms)
{
	conn->own_ms = ms;
	conn_set_time(conn, ms);
}

/* The peer takes no more for now: whatever the protocol has given it. */
void ktcp_conn_blocked(struct ktcp_conn *conn)
{
	conn_set_time(conn, conn->srv->cfg.timeout_ms);
}

/* All output is taken: it is the protocol's time again. */
void ktcp_conn_unblocked(struct ktcp_conn *conn)
{
	conn_set_time(conn, conn->own_ms);
}

/**
 * ktcp_conn_touch - the connection is alive: its time starts anew
 * @conn: the connection, in a callback of its own
 */
void ktcp_conn_touch(struct ktcp_conn *conn)
{
	ktcp_conn_expire(conn, conn->srv->cfg.timeout_ms);
}
