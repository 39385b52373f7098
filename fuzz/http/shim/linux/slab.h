/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Allocations, which can be made to fail. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL 0
#define __GFP_NOWARN 0

/* How many more succeed; negative: all. */
extern int shim_allocations;

static inline void *krealloc(void *old, size_t size, int flags)
{
	(void)flags;
	if (!shim_allocations)
		return NULL;
	if (shim_allocations > 0)
		shim_allocations--;
	return realloc(old, size);
}

static inline void kfree(void *memory)
{
	free(memory);
}

#endif
