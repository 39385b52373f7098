/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef CONN_H
#define CONN_H

#include <linux/slab.h>

static inline void *conn_get(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

void conn_put(void *conn);

#endif
