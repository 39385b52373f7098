// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Bugs after which a task does not go on, or not for long. */

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/panic.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/reboot.h>
#include <linux/sched.h>

#include "canary.h"

/* Both are well above the watchdogs' limits, which the scenario lowers. */
#define HUNG_MS 4000
#define SPIN_MS 5000

void canary_warn(void)
{
	static int yes = 1;

	OPTIMIZER_HIDE_VAR(yes);
	WARN_ON(yes); /* canary: warn */
}

void canary_bug_on(void)
{
	static int yes = 1;

	OPTIMIZER_HIDE_VAR(yes);
	BUG_ON(yes); /* canary: bug_on */
}

void canary_panic(void)
{
	panic("a canary"); /* canary: panic */
}

/* Nobody has asked for it. */
void canary_reboot(void)
{
	emergency_restart(); /* canary: reboot */
}

void canary_null(void)
{
	int *p = NULL;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 1); /* canary: null */
}

/*
 * The task that dies is that of rmmod, in the middle of it. The value differs
 * from the one above, or the compiler would make one function of the two.
 */
void canary_null_in_exit(void)
{
	int *p = NULL;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 2); /* canary: exit_null */
}

void canary_hung_task(void)
{
	long wait = msecs_to_jiffies(HUNG_MS);

	schedule_timeout_uninterruptible(wait); /* canary: hung_task */
	canary_stay();
}

/* By the clock and not by jiffies, which stand still while they are late. */
void canary_soft_lockup(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), SPIN_MS);

	preempt_disable();
	while (ktime_before(ktime_get(), end)) /* canary: soft_lockup */
		cpu_relax(); /* canary: soft_lockup */
	preempt_enable();
}

static struct task_struct *spinner;

/* Polite, so that no watchdog minds, and never at rest. */
static int spin(void *unused)
{
	while (!kthread_should_stop())
		cond_resched();
	return 0;
}

void canary_spin(void)
{
	struct task_struct *task = kthread_run(spin, NULL, "canary/spin");

	if (!IS_ERR(task))
		spinner = task; /* canary: spin */
}

void canary_spin_stop(void)
{
	if (spinner)
		kthread_stop(spinner);
}
