// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What outlives the module. Exit knows nothing of any of it. */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/in.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "canary.h"

/* After the module is gone, and before the oracles are. */
#define LATER_MS 1000

/* Not any port that a server would want. */
#define PORT 29

/* An I/O port that nothing here has. */
#define IO_PORT 0xca29

static struct timer_list timer; /* canary: timer_left */
static struct delayed_work work; /* canary: work_left */

static void timer_fn(struct timer_list *unused)
{
}

void canary_timer_left(void)
{
	timer_setup(&timer, timer_fn, 0);
	mod_timer(&timer, jiffies + msecs_to_jiffies(LATER_MS));
}

static void work_fn(struct work_struct *unused)
{
}

void canary_work_left(void)
{
	INIT_DELAYED_WORK(&work, work_fn);
	schedule_delayed_work(&work, msecs_to_jiffies(LATER_MS));
}

/* Long after anybody looks. They are not freed, which is another bug. */
#define FAR (600 * HZ)

static void far_timer_fn(struct timer_list *unused) /* canary: timer_far */
{
}

void canary_timer_far(void)
{
	struct timer_list *far = kmalloc(sizeof(*far), GFP_KERNEL);

	if (!far)
		return;
	timer_setup(far, far_timer_fn, 0);
	mod_timer(far, jiffies + FAR);
}

static void far_work_fn(struct work_struct *unused) /* canary: work_far */
{
}

void canary_work_far(void)
{
	struct delayed_work *far = kmalloc(sizeof(*far), GFP_KERNEL);

	if (!far)
		return;
	INIT_DELAYED_WORK(far, far_work_fn);
	schedule_delayed_work(far, FAR);
}

static enum hrtimer_restart far_hrtimer_fn(struct hrtimer *unused)
{ /* canary: hrtimer_far */
	return HRTIMER_NORESTART;
}

void canary_hrtimer_far(void)
{
	struct hrtimer *far = kmalloc(sizeof(*far), GFP_KERNEL);

	if (!far)
		return;
	hrtimer_init(far, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	far->function = far_hrtimer_fn;
	hrtimer_start(far, ktime_set(FAR / HZ, 0), HRTIMER_MODE_REL);
}

static int sleeper(void *unused)
{
	for (;;) /* canary: thread_left */
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

void canary_thread_left(void)
{
	kthread_run(sleeper, NULL, "canary/left");
}

static DECLARE_COMPLETION(leaving);

static int returner(void *unused)
{
	wait_for_completion(&leaving);
	msleep(LATER_MS); /* canary: text_left */
	return 0;
}

void canary_leave(void)
{
	complete(&leaving);
}

/* It sleeps in the kernel and comes back to text that is gone. */
void canary_text_left(void)
{
	kthread_run(returner, NULL, "canary/text");
}

static void leave_socket(struct net *net)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(PORT),
	};
	struct socket *sock;

	if (sock_create_kern(net, AF_INET, SOCK_STREAM, 0, &sock))
		return;
	if (kernel_bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    kernel_listen(sock, 1))
		sock_release(sock);
}

void canary_socket_left(void)
{
	leave_socket(&init_net); /* canary: socket_left */
}

/* Such a socket holds no reference: the namespace dies and leaves it behind. */
void canary_netns_socket_left(void)
{
	leave_socket(canary_net); /* canary: netns_socket_left */
}

void canary_proc_left(void)
{
	proc_mkdir("canary_left", NULL); /* canary: proc_left */
}

void canary_sysfs_left(void)
{
	struct kobject *kobj;

	kobj = kobject_create_and_add("canary_left",
				      kernel_kobj); /* canary: sysfs_left */
	OPTIMIZER_HIDE_VAR(kobj);
}

void canary_netns_left(void)
{
	get_net(canary_net); /* canary: netns_left */
}

static void allow_fn(struct work_struct *unused)
{
	allow_signal(SIGKILL); /* canary: signals_left */
}

/* A worker is everybody's, and keeps what work has done to it. */
void canary_signals_left(void)
{
	static DECLARE_WORK(allow, allow_fn);

	schedule_work(&allow);
	flush_work(&allow);
}

static void block_fn(struct work_struct *unused)
{
	sigset_t set;

	siginitset(&set, sigmask(SIGTERM));
	sigprocmask(SIG_BLOCK, &set, NULL); /* canary: signals_blocked */
}

void canary_signals_blocked(void)
{
	static DECLARE_WORK(block, block_fn);

	schedule_work(&block);
	flush_work(&block);
}

/* The rescuer is a thread. A queue without one would leave no trace of it. */
void canary_workqueue_left(void)
{
	struct workqueue_struct *wq;

	wq = alloc_workqueue("canary_left", WQ_MEM_RECLAIM,
			     0); /* canary: workqueue_left */
	OPTIMIZER_HIDE_VAR(wq);
}

void canary_busy(void)
{
	__module_get(THIS_MODULE); /* canary: busy */
}

void canary_exit_hang(void)
{
	canary_hang = true;
}

void canary_exit_null(void)
{
	canary_fall = true;
}

/* The name is a copy, or it would be text that is gone. */
void canary_claim(void)
{
	const char *name = kstrdup("canary", GFP_KERNEL);

	request_region(IO_PORT, 1, name); /* canary: claim_left */
}

/* Whether an exit before has kept what this init wants. */
bool canary_claimed(void)
{
	if (!request_region(IO_PORT, 1, "canary"))
		return true;
	release_region(IO_PORT, 1);
	return false;
}
