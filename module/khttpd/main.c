// SPDX-License-Identifier: GPL-2.0 OR MIT
/* khttpd: a web server in the kernel, for one greeting or for files. */

#include <linux/module.h>

#include "../core/service.h"
#include "khttpd.h"

KTCP_PARAMS(params, 8081, 1024, 10000,
	    "milliseconds for a request to arrive and for a part of the answer "
	    "to be taken; 0: any time");
KTCP_PARAM_NETNS(params);

static struct ktcp_number keepalive_ms = { 15000, 0, KTCP_MAX_MS };
KTCP_PARAM_NUMBER(keepalive_ms, &keepalive_ms,
		  "milliseconds that a connection may pause between requests; "
		  "0: any time (default 15000)");

module_param_named(WWWROOT, khttpd_root_name, charp, 0444);
MODULE_PARM_DESC(WWWROOT, "directory to serve, an absolute path; without it "
			  "every answer is Hello World!");

static const struct ktcp_service service = {
	.proto = &khttpd_proto,
	.params = &params,
	.directory = KBUILD_MODNAME,
	.wq_flags = WQ_HIGHPRI,
};

unsigned int khttpd_keepalive_ms(void)
{
	return keepalive_ms.value;
}

static int __init khttpd_init(void)
{
	int err;

	khttpd_answers_init();
	err = khttpd_root_init();
	if (err)
		return err;
	err = ktcp_service_init(&service);
	if (err)
		khttpd_root_uninit();
	return err;
}

static void __exit khttpd_exit(void)
{
	/* First who uses it. */
	ktcp_service_uninit();
	khttpd_root_uninit();
}

module_init(khttpd_init);
module_exit(khttpd_exit);

MODULE_DESCRIPTION("Web server: HTTP/1.1 with keep-alive, files and listings");
MODULE_AUTHOR("ktcp");
MODULE_LICENSE("Dual MIT/GPL");
