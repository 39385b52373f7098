// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Deadlines: one delayed work per server instead of a timer per connection.
 * Moving a deadline back, which every request may do, costs one store, and a
 * server without connections has nothing pending.
 */

#include <linux/jiffies.h>

#include "internal.h"

/* At most this often, however the deadlines are spread. */
#define SWEEP_MIN (HZ / 8)

/* Under srv->lock. */
static void sweep_schedule(struct ktcp_server *srv, unsigned long at)
{
	unsigned long now = jiffies;

	srv->sweep_armed = true;
	srv->sweep_at = at;
	mod_delayed_work(ktcp_wq, &srv->sweep,
			 time_after(at, now) ? at - now : 0);
}

/* Queues every connection whose time has come, and itself for the next one. */
static void sweep_work(struct work_struct *work)
{
	struct ktcp_server *srv =
		container_of(to_delayed_work(work), struct ktcp_server, sweep);
	unsigned long now, next;
	struct ktcp_conn *conn;

	spin_lock(&srv->lock);
	now = jiffies;
	next = now + MAX_JIFFY_OFFSET;
	list_for_each_entry(conn, &srv->conns, node) {
		unsigned long deadline = READ_ONCE(conn->deadline);

		if (READ_ONCE(conn->starved))
			ktcp_conn_kick(conn);
		if (time_after(deadline, now)) {
			if (time_before(deadline, next))
				next = deadline;
		} else if (!READ_ONCE(conn->expired)) {
			WRITE_ONCE(conn->expired, true);
			ktcp_conn_kick(conn);
		}
	}
	if (next == now + MAX_JIFFY_OFFSET)
		srv->sweep_armed = false;
	else if (time_before(next, now + SWEEP_MIN))
		sweep_schedule(srv, now + SWEEP_MIN);
	else
		sweep_schedule(srv, next);
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

/* No connection is left that could arm it again. */
void ktcp_sweep_stop(struct ktcp_server *srv)
{
	cancel_delayed_work_sync(&srv->sweep);
	srv->sweep_armed = false;
}
