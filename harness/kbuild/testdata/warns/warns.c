// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/module.h>

static int __init warns_init(void)
{
	int unused;

	return 0;
}

module_init(warns_init);
MODULE_DESCRIPTION("has an unused variable");
MODULE_LICENSE("Dual MIT/GPL");
