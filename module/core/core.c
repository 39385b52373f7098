// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What a module has once, however many servers it runs. */

#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "internal.h"

struct workqueue_struct *ktcp_wq;
const struct ktcp_proto *ktcp_proto;

/**
 * ktcp_init - prepare the core for a module's protocol
 * @proto: stays in use until ktcp_uninit()
 * @wq_flags: of the workqueue. WQ_HIGHPRI is what the core is made for: bound,
 *	so that a connection's work runs on the CPU that received its bytes,
 *	whose caches hold them, and waking it costs no other CPU an interrupt;
 *	and of high priority, so that an answer is not made to wait behind the
 *	next request's client. WQ_UNBOUND lets the scheduler move the work away
 *	from a busy CPU.
 *
 * Return: 0 or a negative errno.
 */
int ktcp_init(const struct ktcp_proto *proto, unsigned int wq_flags)
{
	int err;

	ktcp_proto = proto;
	err = ktcp_conn_cache_init();
	if (err)
		return err;

	/*
	 * A work item never sleeps for its peer, so a queue of its own is all
	 * that is needed to wait for the last one.
	 */
	ktcp_wq = alloc_workqueue("%s", wq_flags, 0, proto->name);
	if (!ktcp_wq) {
		err = -ENOMEM;
		goto err_cache;
	}
	return 0;

err_cache:
	ktcp_conn_cache_uninit();
	return err;
}

/**
 * ktcp_uninit - the last call before the module's text goes
 *
 * All servers have been stopped: no socket refers to the core any more and
 * nothing can queue work. Code may nevertheless still be running.
 */
void ktcp_uninit(void)
{
	/*
	 * A listener's sk_data_ready is called without the listener's lock: a
	 * softirq can have fetched the pointer to our callback before it was
	 * restored and be about to enter it. Softirqs are RCU readers, so none
	 * is left after this. (Callbacks of connections run under their socket
	 * lock, which closing the socket has taken.)
	 */
	synchronize_rcu();

	/*
	 * A connection's work tells the server that it is gone before it
	 * executes its last instructions; wait for those.
	 */
	destroy_workqueue(ktcp_wq);

	ktcp_conn_cache_uninit();
}
