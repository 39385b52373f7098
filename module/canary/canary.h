/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef CANARY_H
#define CANARY_H

#include <linux/compiler.h>
#include <linux/types.h>

struct net;

/*
 * One deliberate bug. The line that is at fault carries the comment
 * "canary: NAME", and that line is what a detector has to name.
 */
struct canary_bug {
	const char *name;
	void (*run)(void);
};

/* The namespace of whoever asked for the bug. Bugs run in a thread. */
extern struct net *canary_net;

/* What is called last would otherwise be jumped to, and the bug be off the stack. */
#define canary_stay() barrier()

/* Set by a bug that strikes at the end: see canary_exit(). */
extern bool canary_hang;
extern bool canary_fall;

void canary_uaf(void);
void canary_oob(void);
void canary_double_free(void);
void canary_leak_kmalloc(void);
void canary_leak_vmalloc(void);
void canary_leak_percpu(void);
void canary_leak_pages(void);
void canary_leak_skb(void);
void canary_leak_large(void);
void canary_init_vmalloc(void);
void __init canary_init_percpu(void);
void canary_init_large(void);
void canary_list(void);
void canary_refcount(void);
void canary_shift(void);

void canary_lock_order(void);
void canary_sleep_atomic(void);
void canary_sched_atomic(void);
void canary_rcu(void);
void canary_race(void);

void canary_warn(void);
void canary_bug_on(void);
void canary_panic(void);
void canary_reboot(void);
void canary_null(void);
void canary_null_in_exit(void);
void canary_hung_task(void);
void canary_soft_lockup(void);

void canary_spin(void);
void canary_spin_stop(void);

void canary_timer_left(void);
void canary_work_left(void);
void canary_thread_left(void);
void canary_text_left(void);
void canary_leave(void);
void canary_socket_left(void);
void canary_netns_socket_left(void);
void canary_proc_left(void);
void canary_sysfs_left(void);
void canary_netns_left(void);
void canary_signals_left(void);
void canary_signals_blocked(void);
void canary_workqueue_left(void);
void canary_busy(void);
void canary_timer_far(void);
void canary_work_far(void);
void canary_hrtimer_far(void);
void canary_claim(void);
bool canary_claimed(void);
void canary_exit_hang(void);
void canary_exit_null(void);

void canary_serve(void);
void canary_serve_stop(void);

#endif
