// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Deadlines: one delayed work per server instead of a timer per connection.
 * Moving a deadline back, which every request may do, costs one store, and a
 * server without connections has nothing pending.
 */

#include <linux/jiffies.h>
#include <linux/sched.h>

#include "internal.h"

/* At most this often, however the deadlines are spread. */
#define SWEEP_MIN (HZ / 8)

/* Connections that are looked at before others get the lock, and the CPU. */
#define SWEEP_BATCH 64

/* Under srv->lock. */
static void sweep_schedule(struct ktcp_server *srv, unsigned long at)
{
	unsigned long now = jiffies;

	srv->sweep_armed = true;
	srv->sweep_at = at;
	mod_delayed_work(ktcp_wq, &srv->sweep,
			 time_after(at, now) ? at - now : 0);
}

/*
 * One look at a connection, under srv->lock. Returns the earlier of @next and
 * its deadline, if that is still to come.
 */
static unsigned long sweep_conn(struct ktcp_conn *conn, bool all,
				unsigned long now, unsigned long next)
{
	unsigned long deadline = READ_ONCE(conn->deadline);

	if (all || READ_ONCE(conn->starved))
		ktcp_conn_kick(conn);
	if (time_after(deadline, now))
		return time_before(deadline, next) ? deadline : next;
	if (!READ_ONCE(conn->expired)) {
		WRITE_ONCE(conn->expired, true);
		ktcp_conn_kick(conn);
	}
	return next;
}

/*
 * Queues every connection whose time has come, and itself for the next one.
 * The lock is dropped on the way. Meanwhile connections may go, see
 * ktcp_sweep_skip(), and come or get an earlier deadline, which arms us again
 * as it does when we do not run.
 */
static void sweep_work(struct work_struct *work)
{
	struct ktcp_server *srv =
		container_of(to_delayed_work(work), struct ktcp_server, sweep);
	unsigned long now, never, next;
	unsigned int budget = SWEEP_BATCH;
	bool all;

	spin_lock(&srv->lock);
	now = jiffies;
	never = now + MAX_JIFFY_OFFSET;
	next = never;
	srv->sweep_armed = false;
	all = srv->sweep_all;
	srv->sweep_all = false;

	srv->sweep_pos = srv->conns.next;
	while (srv->sweep_pos != &srv->conns) {
		struct ktcp_conn *conn =
			list_entry(srv->sweep_pos, struct ktcp_conn, node);

		srv->sweep_pos = conn->node.next;
		next = sweep_conn(conn, all, now, next);
		if (--budget)
			continue;
		budget = SWEEP_BATCH;
		spin_unlock(&srv->lock);
		cond_resched();
		spin_lock(&srv->lock);
	}
	srv->sweep_pos = NULL;

	if (time_before(next, now + SWEEP_MIN))
		next = now + SWEEP_MIN;
	if (next != never)
		ktcp_sweep_arm(srv, next);
	spin_unlock(&srv->lock);
}

void ktcp_sweep_init(struct ktcp_server *srv)
{
	INIT_DELAYED_WORK(&srv->sweep, sweep_work);
	srv->sweep_armed = false;
}

/* Makes sure that a sweep takes place at @at or earlier. Under srv->lock. */
void ktcp_sweep_arm(struct ktcp_server *srv, unsigned long at)
{
	if (!srv->sweep_armed || time_before(at, srv->sweep_at))
		sweep_schedule(srv, at);
}

/*
 * Has every connection's work run, soon: what they are to see is set. The lock
 * orders that before what the sweep does. Under srv->lock.
 */
void ktcp_sweep_kick_all(struct ktcp_server *srv)
{
	if (list_empty(&srv->conns))
		return;
	srv->sweep_all = true;
	sweep_schedule(srv, jiffies);
}

/* The connection is about to leave the list. Under srv->lock. */
void ktcp_sweep_skip(struct ktcp_server *srv, struct ktcp_conn *conn)
{
	if (srv->sweep_pos == &conn->node)
		srv->sweep_pos = conn->node.next;
}

/* No connection is left that could arm it again. */
void ktcp_sweep_stop(struct ktcp_server *srv)
{
	cancel_delayed_work_sync(&srv->sweep);
	srv->sweep_armed = false;
	srv->sweep_all = false;
}
