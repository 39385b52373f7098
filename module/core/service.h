/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A service: one server in each network namespace that it is for, with a
 * directory in that namespace's sysfs. This is all that a module on the core
 * consists of, beside its protocol:
 *
 *	KTCP_PARAMS(params, 7, 128, 0, "...");
 *	KTCP_PARAM_NETNS(params);
 *
 *	static struct ktcp_service service = {
 *		.proto = &echo_proto,
 *		.params = &params,
 *		.directory = KBUILD_MODNAME,
 *	};
 *
 * with ktcp_service_init(&service) as its init and ktcp_service_uninit() as
 * its exit.
 */
#ifndef KTCP_SERVICE_H
#define KTCP_SERVICE_H

#include <linux/workqueue.h>

#include "ktcp.h"
#include "param.h"

/**
 * struct ktcp_service - what a module serves, and where
 * @proto: what it does with the bytes of a connection
 * @params: how it listens, and in which namespaces
 * @directory: of /sys/kernel. Each namespace that is served has its own
 *	net/data/ in there, which holds status (1 while the server listens;
 *	write 0 or 1 to stop or start it) and statistics/
 * @manual: every namespace has a server, and it is off until somebody writes
 *	1 to status; params->netns does not count
 * @wq_flags: of the workqueue, see ktcp_init()
 */
struct ktcp_service {
	const struct ktcp_proto *proto;
	const struct ktcp_params *params;
	const char *directory;
	bool manual;
	unsigned int wq_flags;
};

int ktcp_service_init(const struct ktcp_service *service);
void ktcp_service_uninit(void);

#endif
