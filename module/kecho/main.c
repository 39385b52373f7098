// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kecho: an echo server in the kernel. What comes in goes out again. */

#include <linux/module.h>

#include "../core/service.h"

KTCP_PARAMS(params, 12345, 128, 0,
	    "milliseconds of silence that end a connection; 0: never");
KTCP_PARAM_NETNS(params);

static bool bench;
module_param(bench, bool, 0444);
MODULE_PARM_DESC(bench, "answer on the CPU that received (default N)");

/*
 * Nothing is kept here: what there is no room for stays in the socket, whose
 * window then closes. So a peer that sends and does not read stops itself, and
 * a half-closed one gets the rest before our FIN.
 */
static int echo_rx(struct ktcp_io *io, const u8 *data, size_t len)
{
	ktcp_conn_touch(ktcp_io_conn(io));
	return ktcp_io_copy(io, data, len);
}

static const struct ktcp_proto echo_proto = {
	.name = KBUILD_MODNAME,
	.rx = echo_rx,
};

static struct ktcp_service service = {
	.proto = &echo_proto,
	.params = &params,
	.directory = KBUILD_MODNAME,
};

static int __init kecho_init(void)
{
	/*
	 * Not WQ_HIGHPRI: on the processor of its clients such a worker would
	 * run after each single message, and change places with them twice.
	 */
	service.wq_flags = bench ? 0 : WQ_UNBOUND;
	return ktcp_service_init(&service);
}

static void __exit kecho_exit(void)
{
	ktcp_service_uninit();
}

module_init(kecho_init);
module_exit(kecho_exit);

MODULE_DESCRIPTION("TCP echo server");
MODULE_AUTHOR("ktcp");
MODULE_LICENSE("Dual MIT/GPL");
