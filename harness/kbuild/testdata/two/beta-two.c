// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/module.h>

#include "greeting.h"

static int __init two_init(void)
{
	pr_info(GREETING " beta-two\n");
	return 0;
}

static void __exit two_exit(void)
{
}

module_init(two_init);
module_exit(two_exit);
MODULE_DESCRIPTION("one of two");
MODULE_LICENSE("Dual MIT/GPL");
