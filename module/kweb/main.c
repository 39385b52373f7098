// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * kweb: a small web server in the kernel, one per network namespace, switched
 * on and off through sysfs.
 */

#include <linux/module.h>

#include "../core/service.h"
#include "kweb.h"

KTCP_PARAMS(params, 9999, 1024, 10000,
	    "milliseconds for a request to arrive, from accept on; 0: any time");

static const struct ktcp_service service = {
	.proto = &kweb_proto,
	.params = &params,
	.directory = "webserver",
	.manual = true,
	.wq_flags = WQ_HIGHPRI,
};

static int __init kweb_init(void)
{
	return ktcp_service_init(&service);
}

static void __exit kweb_exit(void)
{
	ktcp_service_uninit();
}

module_init(kweb_init);
module_exit(kweb_exit);

MODULE_DESCRIPTION("Web server per network namespace, switched through sysfs");
MODULE_AUTHOR("ktcp");
MODULE_LICENSE("Dual MIT/GPL");
