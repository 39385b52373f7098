// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/module.h>

#include "conn.h"

static void *conn;

static int __init web_init(void)
{
	conn = conn_get(64);
	return conn ? 0 : -ENOMEM;
}

static void __exit web_exit(void)
{
	conn_put(conn);
}

module_init(web_init);
module_exit(web_exit);
MODULE_DESCRIPTION("shares a core");
MODULE_LICENSE("Dual MIT/GPL");
