// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * canary: one deliberate bug of each class, chosen by its name, at insmod or
 * any time later:
 *
 *	insmod canary.ko bug=uaf
 *	echo lock_order > /sys/module/canary/parameters/bug
 *
 * What can only go wrong in the text of init has a parameter of its own:
 *
 *	insmod canary.ko init=init_vmalloc
 *
 * A detector that is shown its canary and stays silent proves nothing when it
 * is silent about another module. Never load it into a machine that matters.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "canary.h"

/* How long a bug may take before whoever asked for it goes on. */
#define RUN_MS 8000

struct net *canary_net;
bool canary_hang;
bool canary_fall;

static const struct canary_bug bugs[] = {
	{ "uaf", canary_uaf },
	{ "oob", canary_oob },
	{ "double_free", canary_double_free },
	{ "leak_kmalloc", canary_leak_kmalloc },
	{ "leak_vmalloc", canary_leak_vmalloc },
	{ "leak_percpu", canary_leak_percpu },
	{ "leak_pages", canary_leak_pages },
	{ "leak_skb", canary_leak_skb },
	{ "leak_large", canary_leak_large },
	{ "list", canary_list },
	{ "refcount", canary_refcount },
	{ "shift", canary_shift },
	{ "lock_order", canary_lock_order },
	{ "sleep_atomic", canary_sleep_atomic },
	{ "sched_atomic", canary_sched_atomic },
	{ "rcu", canary_rcu },
	{ "race", canary_race },
	{ "warn", canary_warn },
	{ "bug_on", canary_bug_on },
	{ "panic", canary_panic },
	{ "reboot", canary_reboot },
	{ "null", canary_null },
	{ "hung_task", canary_hung_task },
	{ "soft_lockup", canary_soft_lockup },
	{ "spin", canary_spin },
	{ "timer_left", canary_timer_left },
	{ "work_left", canary_work_left },
	{ "thread_left", canary_thread_left },
	{ "text_left", canary_text_left },
	{ "socket_left", canary_socket_left },
	{ "netns_socket_left", canary_netns_socket_left },
	{ "proc_left", canary_proc_left },
	{ "sysfs_left", canary_sysfs_left },
	{ "netns_left", canary_netns_left },
	{ "signals_left", canary_signals_left },
	{ "signals_blocked", canary_signals_blocked },
	{ "workqueue_left", canary_workqueue_left },
	{ "busy", canary_busy },
	{ "timer_far", canary_timer_far },
	{ "work_far", canary_work_far },
	{ "hrtimer_far", canary_hrtimer_far },
	{ "claim_left", canary_claim },
	{ "wrong_byte", canary_serve },
	{ "deaf", canary_serve },
	{ "exit_hang", canary_exit_hang },
	{ "exit_null", canary_exit_null },
};

static const struct canary_bug init_bugs[] __initconst = {
	{ "init_vmalloc", canary_init_vmalloc },
	{ "init_percpu", canary_init_percpu },
	{ "init_large", canary_init_large },
};

static char *init = "";
module_param(init, charp, 0444);
MODULE_PARM_DESC(init, "the bug to show in the text of init, by name");

static const struct canary_bug *chosen;
static bool live;
static DEFINE_MUTEX(lock);
static DECLARE_COMPLETION(done);

static int thread(void *data)
{
	const struct canary_bug *bug = data;

	bug->run();
	complete(&done);
	return 0;
}

/*
 * A bug may kill the task that it happens in, so that task is a thread made
 * for it. One that is dead says nothing any more: it is looked at now and
 * then.
 */
static void run(const struct canary_bug *bug)
{
	unsigned long end = jiffies + msecs_to_jiffies(RUN_MS);
	struct task_struct *task;

	reinit_completion(&done);
	canary_net = current->nsproxy->net_ns;
	task = kthread_create(thread, (void *)bug, "canary/%s", bug->name);
	if (IS_ERR(task))
		return;
	get_task_struct(task);
	wake_up_process(task);
	while (!wait_for_completion_timeout(&done, msecs_to_jiffies(20))) {
		if (READ_ONCE(task->exit_state) || time_after(jiffies, end))
			break;
	}
	put_task_struct(task);
}

static int bug_set(const char *val, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!sysfs_streq(val, bugs[i].name))
			continue;
		mutex_lock(&lock);
		chosen = &bugs[i];
		/* Before init this is insmod's command line. */
		if (live)
			run(chosen);
		mutex_unlock(&lock);
		return 0;
	}
	pr_err("bug=%s: there is no such bug\n", val);
	return -EINVAL;
}

static int bug_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%s\n", chosen ? chosen->name : "");
}

static const struct kernel_param_ops bug_ops = {
	.set = bug_set,
	.get = bug_get,
};
module_param_cb(bug, &bug_ops, NULL, 0644);
__MODULE_PARM_TYPE(bug, "string");
MODULE_PARM_DESC(bug, "the bug to show, by name");

static int __init init_show(void)
{
	size_t i;

	if (!*init)
		return 0;
	for (i = 0; i < ARRAY_SIZE(init_bugs); i++) {
		if (strcmp(init, init_bugs[i].name))
			continue;
		init_bugs[i].run();
		return 0;
	}
	pr_err("init=%s: there is no such bug\n", init);
	return -EINVAL;
}

static int __init canary_init(void)
{
	int err;

	if (canary_claimed())
		return -EBUSY;
	err = init_show();
	if (err)
		return err;
	mutex_lock(&lock);
	live = true;
	if (chosen)
		run(chosen);
	mutex_unlock(&lock);
	return 0;
}

static void __exit canary_exit(void)
{
	static DECLARE_COMPLETION(never);

	canary_leave();
	canary_spin_stop();
	canary_serve_stop();
	if (canary_fall)
		canary_null_in_exit();
	if (canary_hang)
		wait_for_completion(&never); /* canary: exit_hang */
	canary_stay();
}

module_init(canary_init);
module_exit(canary_exit);
MODULE_AUTHOR("ktcp");
MODULE_DESCRIPTION("One deliberate bug of each class");
MODULE_LICENSE("Dual MIT/GPL");
