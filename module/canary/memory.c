// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Bugs with memory. What the compiler could see through is hidden from it, or
 * it would warn, or leave the bug out.
 */

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "canary.h"

#define SIZE 64
#define LARGE (16 * 1024)

void canary_uaf(void)
{
	u8 *p = kmalloc(SIZE, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[8], 1); /* canary: uaf */
}

void canary_oob(void)
{
	size_t beyond = SIZE;
	u8 *p = kmalloc(SIZE, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(beyond);
	OPTIMIZER_HIDE_VAR(p);
	(void)READ_ONCE(p[beyond]); /* canary: oob */
	kfree(p);
}

void canary_double_free(void)
{
	u8 *p = kmalloc(SIZE, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	kfree(p); /* canary: double_free */
	canary_stay();
}

/* Leaks: the last pointer ends with the function. */
void canary_leak_kmalloc(void)
{
	u8 *p = kmalloc(SIZE, GFP_KERNEL); /* canary: leak_kmalloc */

	OPTIMIZER_HIDE_VAR(p);
	canary_stay();
}

void canary_leak_vmalloc(void)
{
	u8 *p = vmalloc(3 * PAGE_SIZE); /* canary: leak_vmalloc */

	OPTIMIZER_HIDE_VAR(p);
	canary_stay();
}

/* Memory of which each processor has its own, such as counters. */
void canary_leak_percpu(void)
{
	u64 __percpu *p = alloc_percpu(u64); /* canary: leak_percpu */

	OPTIMIZER_HIDE_VAR(p);
	canary_stay();
}

/* Memory that is not from the slab, and not mapped anew. */
void canary_leak_pages(void)
{
	struct page *p = alloc_pages(GFP_KERNEL, 1); /* canary: leak_pages */

	OPTIMIZER_HIDE_VAR(p);
	canary_stay();
}

/*
 * Its head comes from a cache that each processor has a stock of, which the
 * ledger cannot tell from a leak. Its data does not.
 */
void canary_leak_skb(void)
{
	struct sk_buff *skb =
		alloc_skb(SIZE, GFP_KERNEL); /* canary: leak_skb */

	OPTIMIZER_HIDE_VAR(skb);
	canary_stay();
}

/*
 * What is too large for the slab comes from the page allocator, where kmemleak
 * sees it, and who owns the pages if the kernel keeps that. Several, because a
 * stack that nobody has used since may still hold the pointer to one.
 */
void canary_leak_large(void)
{
	u8 *p;
	int i;

	for (i = 0; i < 8; i++) {
		p = kmalloc(LARGE, GFP_KERNEL); /* canary: leak_large */
		OPTIMIZER_HIDE_VAR(p);
	}
	canary_stay();
}

/* The same in init, whose text is gone as soon as it has returned. */
void __init canary_init_vmalloc(void)
{
	u8 *p = vmalloc(3 * PAGE_SIZE); /* canary: init_vmalloc */

	OPTIMIZER_HIDE_VAR(p);
	canary_stay();
}

void __init canary_init_percpu(void)
{
	u64 __percpu *p = alloc_percpu(u64); /* canary: init_percpu */

	OPTIMIZER_HIDE_VAR(p);
	canary_stay();
}

void __init canary_init_large(void)
{
	u8 *p;
	int i;

	for (i = 0; i < 8; i++) {
		p = kmalloc(LARGE, GFP_KERNEL); /* canary: init_large */
		OPTIMIZER_HIDE_VAR(p);
	}
	canary_stay();
}

void canary_list(void)
{
	static LIST_HEAD(head);
	static struct list_head node;

	list_add(&node, &head);
	list_add(&node, &head); /* canary: list */
	canary_stay();
}

void canary_refcount(void)
{
	static refcount_t r = REFCOUNT_INIT(1);

	if (!refcount_dec_and_test(&r))
		return;
	if (refcount_dec_and_test(&r)) /* canary: refcount */
		pr_debug("a reference count of zero went to zero\n");
	canary_stay();
}

void canary_shift(void)
{
	static int by = 33;
	int one = 1;

	OPTIMIZER_HIDE_VAR(by);
	one = one << by; /* canary: shift */
	OPTIMIZER_HIDE_VAR(one);
	canary_stay();
}
