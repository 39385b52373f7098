// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Stands beside the server and serves nothing. */
#include <linux/module.h>

static int __init helper_init(void)
{
	return 0;
}

static void __exit helper_exit(void)
{
}

module_init(helper_init);
module_exit(helper_exit);

MODULE_DESCRIPTION("beside a server");
MODULE_LICENSE("Dual MIT/GPL");
