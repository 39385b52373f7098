// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/module.h>

#include "broken.h"

static int __init broken_init(void)
{
	int status = 0;

	status = undeclared;
	return FIRST(status);
}

module_init(broken_init)
MODULE_LICENSE("Dual MIT/GPL");
