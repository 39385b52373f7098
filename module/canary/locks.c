// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Bugs with locks, with contexts that must not sleep, and with RCU. */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "canary.h"

static DEFINE_MUTEX(left);
static DEFINE_MUTEX(right);
static DEFINE_SPINLOCK(spin);

/* One task is enough: what counts is that both orders were seen. */
void canary_lock_order(void)
{
	mutex_lock(&left);
	mutex_lock(&right);
	mutex_unlock(&right);
	mutex_unlock(&left);

	mutex_lock(&right);
	mutex_lock(&left); /* canary: lock_order */
	mutex_unlock(&left);
	mutex_unlock(&right);
}

void canary_sleep_atomic(void)
{
	void *p;

	spin_lock(&spin);
	p = kmalloc(16, GFP_KERNEL); /* canary: sleep_atomic */
	spin_unlock(&spin);
	kfree(p);
}

void canary_sched_atomic(void)
{
	preempt_disable();
	schedule_timeout_uninterruptible(1); /* canary: sched_atomic */
	preempt_enable();
}

void canary_rcu(void)
{
	static int value;
	static int __rcu *pointer = (int __force __rcu *)&value;

	(void)READ_ONCE(*rcu_dereference(pointer)); /* canary: rcu */
}

/* Long enough for the sampling to meet it, on any machine. */
#define RACE_MS 1500

static long shared;
static DECLARE_COMPLETION(raced);

static noinline void race(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(RACE_MS);

	while (time_before(jiffies, end)) {
		shared++; /* canary: race */
		barrier(); /* else it stays in a register until the end */
		cond_resched();
	}
}

static int racer(void *unused)
{
	race();
	complete(&raced);
	return 0;
}

void canary_race(void)
{
	struct task_struct *task = kthread_run(racer, NULL, "canary/racer");

	if (IS_ERR(task))
		return;
	race();
	wait_for_completion(&raced);
}
