/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the core's own files share. */
#ifndef KTCP_INTERNAL_H
#define KTCP_INTERNAL_H

#include <linux/completion.h>
#include <linux/kobject.h>

#include "ktcp.h"

/* The life of a connection; only its own work moves it on. */
enum ktcp_stage {
	KTCP_STAGE_NEW, /* accepted, callbacks not yet ours */
	KTCP_STAGE_OPEN, /* the protocol reads and answers */
	KTCP_STAGE_LINGER, /* our FIN is out, the peer's is awaited */
};

/* Output that the socket had no room for, owned by the connection. */
struct ktcp_tail {
	size_t off;
	size_t len;
	u8 data[];
};

/*
 * A connection is owned by its work item: only that work moves it on and
 * frees it. Everybody else may do one thing, queue the work, and only while
 * they can still find the connection: the socket's callbacks under
 * sk_callback_lock through sk_user_data, the server under its lock through the
 * list. ktcp_conn_release() takes both ways away before it frees.
 */
struct ktcp_conn {
	struct work_struct work;
	struct sock *sk;
	struct socket *sock;
	struct ktcp_server *srv;
	struct ktcp_tail *tail; /* output that the socket had no room for */

	unsigned long deadline; /* jiffies */
	struct list_head node; /* srv->conns, under srv->lock */
	u8 stage; /* enum ktcp_stage */
	bool closing; /* read no more; FIN when all output is out */
	bool more; /* the protocol's tx wants to be called */
	bool sending; /* within sendmsg; under the socket lock */
	bool starved; /* a send found no memory: the sweep tries again */
	bool expired; /* set by the sweep: the deadline has passed */
	bool timed_out; /* for the counters */
	bool aborted; /* ends with a reset, from either side */
	union {
		u32 own_ms; /* OPEN: the time that the protocol gave it */
		u32 acked; /* LINGER: what the peer had acknowledged, */
	};
	u32 acked_at; /* when that was last more: jiffies, of which 32 bits do */

	u8 priv[] __aligned(8);
};

/*
 * A service in one network namespace, in memory that the namespace owns. Its
 * sysfs directory goes first, then its server: so nobody can start it again.
 */
struct ktcp_net {
	struct net *net; /* not a reference: we go before it does */
	bool served; /* the rest is in use; else this namespace has no server */
	struct ktcp_server srv;
	struct kobject kobj; /* "data" */
	struct completion kobj_released;
};

extern struct workqueue_struct *ktcp_wq;
extern const struct ktcp_proto *ktcp_proto;

int ktcp_conn_cache_init(void);
void ktcp_conn_cache_uninit(void);
unsigned long ktcp_conn_deadline(unsigned int ms);
int ktcp_conn_create(struct ktcp_server *srv, struct socket *sock);
void ktcp_conn_kick(struct ktcp_conn *conn);
void ktcp_conn_hook(struct ktcp_conn *conn);
void ktcp_conn_blocked(struct ktcp_conn *conn);
void ktcp_conn_unblocked(struct ktcp_conn *conn);
void ktcp_conn_release(struct ktcp_conn *conn);

void ktcp_accept_init(struct ktcp_server *srv);
void ktcp_accept_hook(struct ktcp_server *srv);
void ktcp_accept_unhook(struct ktcp_server *srv);
void ktcp_accept_resume(struct ktcp_server *srv);

void ktcp_sweep_init(struct ktcp_server *srv);
void ktcp_sweep_arm(struct ktcp_server *srv, unsigned long at);
void ktcp_sweep_kick_all(struct ktcp_server *srv);
void ktcp_sweep_skip(struct ktcp_server *srv, struct ktcp_conn *conn);
void ktcp_sweep_stop(struct ktcp_server *srv);

int ktcp_net_start(struct ktcp_net *kn);

int ktcp_sysfs_init(const char *name);
void ktcp_sysfs_uninit(void);
int ktcp_sysfs_add(struct ktcp_net *kn);
void ktcp_sysfs_remove(struct ktcp_net *kn);

void ktcp_io_work(struct work_struct *work);

#endif
