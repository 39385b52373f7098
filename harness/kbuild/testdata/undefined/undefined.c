// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/module.h>

int nobody_has_this(void);

static int __init undefined_init(void)
{
	return nobody_has_this();
}

module_init(undefined_init);
MODULE_DESCRIPTION("calls what does not exist");
MODULE_LICENSE("Dual MIT/GPL");
