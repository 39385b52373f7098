/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Parameters that are looked at when the module is loaded: a value that makes
 * no sense refuses the load, with one line that says what was expected.
 */
#ifndef KTCP_PARAM_H
#define KTCP_PARAM_H

#include <linux/in.h>
#include <linux/moduleparam.h>
#include <linux/stringify.h>
#include <linux/types.h>

/* A decimal number within bounds. */
struct ktcp_number {
	unsigned int value;
	unsigned int min;
	unsigned int max;
};

/* Where a service starts by itself. */
enum ktcp_netns {
	KTCP_NETNS_CURRENT, /* in the namespace of who loads the module */
	KTCP_NETNS_ALL, /* in every one, those to come included */
};

/* What every service can be told. */
struct ktcp_params {
	__be32 host;
	struct ktcp_number port;
	struct ktcp_number backlog;
	struct ktcp_number max_conns;
	struct ktcp_number timeout_ms;
	enum ktcp_netns netns;
};

extern const struct kernel_param_ops ktcp_number_ops;
extern const struct kernel_param_ops ktcp_host_ops;
extern const struct kernel_param_ops ktcp_netns_ops;

/* Most connections, and longest time (a day), that a parameter can name. */
#define KTCP_MAX_CONNS 1048576
#define KTCP_MAX_MS 86400000

/* A parameter whose value is a struct ktcp_number. */
#define KTCP_PARAM_NUMBER(name, number, text)                  \
	module_param_cb(name, &ktcp_number_ops, number, 0444); \
	__MODULE_PARM_TYPE(name, "uint");                      \
	MODULE_PARM_DESC(name, text)

/*
 * Defines @params, a struct ktcp_params, and the parameters that set all of
 * it but netns. Once per module.
 */
#define KTCP_PARAMS(params, port_, backlog_, timeout_ms_, timeout_text)           \
	static struct ktcp_params params = {                                      \
		.port = { port_, 1, 65535 },                                      \
		.backlog = { backlog_, 1, 65535 },                                \
		.max_conns = { 65536, 1, KTCP_MAX_CONNS },                        \
		.timeout_ms = { timeout_ms_, 0, KTCP_MAX_MS },                    \
	};                                                                        \
	module_param_cb(host, &ktcp_host_ops, &params.host, 0444);                \
	__MODULE_PARM_TYPE(host, "IPv4 address");                                 \
	MODULE_PARM_DESC(host, "address to listen on (default 0.0.0.0, all)");    \
	KTCP_PARAM_NUMBER(                                                        \
		port, &params.port,                                               \
		"TCP port to listen on (default " __stringify(port_) ")");        \
	KTCP_PARAM_NUMBER(                                                        \
		backlog, &params.backlog,                                         \
		"connections that may wait to be accepted (default " __stringify( \
			backlog_) "; the kernel caps it at somaxconn)");          \
	KTCP_PARAM_NUMBER(                                                        \
		max_conns, &params.max_conns,                                     \
		"open connections per namespace at most; others wait in the "     \
		"backlog (default 65536)");                                       \
	KTCP_PARAM_NUMBER(timeout_ms, &params.timeout_ms,                         \
			  timeout_text                                            \
			  " (default " __stringify(timeout_ms_) ")")

/* The parameter netns, for a service that starts by itself. */
#define KTCP_PARAM_NETNS(params)                                           \
	module_param_cb(netns, &ktcp_netns_ops, &(params).netns, 0444);    \
	__MODULE_PARM_TYPE(netns, "current or all");                       \
	MODULE_PARM_DESC(                                                  \
		netns, "network namespaces to serve in: current, that of " \
		       "the process that loads the module (default), or all")

#endif
