// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/module.h>

#include "words.h"

static int times = 1;
module_param(times, int, 0444);

static int __init hello_init(void)
{
	int i;

	for (i = 0; i < times; i++)
		pr_info("%s: %s\n", __FILE__, hello_word());
	return 0;
}

static void __exit hello_exit(void)
{
}

module_init(hello_init);
module_exit(hello_exit);
MODULE_DESCRIPTION("says hello");
MODULE_LICENSE("Dual MIT/GPL");
