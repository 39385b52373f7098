// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * kweb: a small web server in the kernel, one per network namespace, switched
 * on and off through sysfs.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "kweb.h"

#define BACKLOG 1024
#define MAX_CONNS 65536
#define REQUEST_MS 10000
#define LINGER_MS 2000
#define STOP_MS 1000

static __be32 host = htonl(INADDR_ANY);
static u16 port = 9999;

static int host_set(const char *val, const struct kernel_param *kp)
{
	char canonical[sizeof("255.255.255.255")];
	__be32 addr;

	/* No abbreviation, no octal: what comes back must be what was given. */
	if (!in4_pton(val, -1, (u8 *)&addr, -1, NULL))
		goto refuse;
	snprintf(canonical, sizeof(canonical), "%pI4", &addr);
	if (strcmp(canonical, val))
		goto refuse;
	if (ipv4_is_multicast(addr) || ipv4_is_lbcast(addr))
		goto refuse;
	*(__be32 *)kp->arg = addr;
	return 0;

refuse:
	pr_err("host=%s: expected an IPv4 address to listen on, as 127.0.0.1\n",
	       val);
	return -EINVAL;
}

static int host_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%pI4\n", kp->arg);
}

static const struct kernel_param_ops host_ops = {
	.set = host_set,
	.get = host_get,
};
module_param_cb(host, &host_ops, &host, 0444);
__MODULE_PARM_TYPE(host, "IPv4 address");
MODULE_PARM_DESC(host, "address to listen on (default 0.0.0.0, all)");

static int port_set(const char *val, const struct kernel_param *kp)
{
	u16 number;

	if (kstrtou16(val, 10, &number) || !number) {
		pr_err("port=%s: expected a number from 1 to 65535\n", val);
		return -EINVAL;
	}
	*(u16 *)kp->arg = number;
	return 0;
}

static const struct kernel_param_ops port_ops = {
	.set = port_set,
	.get = param_get_ushort,
};
module_param_cb(port, &port_ops, &port, 0444);
__MODULE_PARM_TYPE(port, "ushort");
MODULE_PARM_DESC(port, "TCP port to listen on (default 9999)");

/* A server that runs goes on. Called by a writer of status. */
int kweb_start(struct kweb_net *kn)
{
	struct ktcp_config cfg = {
		.backlog = BACKLOG,
		.max_conns = MAX_CONNS,
		.timeout_ms = REQUEST_MS,
		.linger_ms = LINGER_MS,
		.stop_ms = STOP_MS,
	};
	struct sockaddr_in *addr = (struct sockaddr_in *)&cfg.addr;

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = host;
	addr->sin_port = htons(port);
	return ktcp_server_start(&kn->srv, kn->net, &cfg);
}

static unsigned int kweb_net_id;

static int __net_init kweb_net_init(struct net *net)
{
	struct kweb_net *kn = net_generic(net, kweb_net_id);

	kn->net = net;
	ktcp_server_init(&kn->srv);
	return kweb_sysfs_add(kn);
}

/*
 * The namespace dies, or the module goes; in either case several namespaces
 * may at once. Pre_exit begins for each, exit waits for each, so that they
 * share the time that their peers take.
 */
static void __net_exit kweb_net_pre_exit(struct net *net)
{
	struct kweb_net *kn = net_generic(net, kweb_net_id);

	kweb_sysfs_remove(kn);
	ktcp_server_close(&kn->srv);
}

static void __net_exit kweb_net_exit(struct net *net)
{
	struct kweb_net *kn = net_generic(net, kweb_net_id);

	ktcp_server_drain(&kn->srv);
}

static struct pernet_operations kweb_net_ops = {
	.init = kweb_net_init,
	.pre_exit = kweb_net_pre_exit,
	.exit = kweb_net_exit,
	.id = &kweb_net_id,
	.size = sizeof(struct kweb_net),
};

static int __init kweb_init(void)
{
	int err;

	err = ktcp_init(&kweb_proto);
	if (err)
		return err;

	err = kweb_sysfs_init();
	if (err)
		goto err_core;

	/*
	 * A device operation, not a subsystem one: these exit first, while the
	 * namespace still has its interfaces, routes and TCP, which our
	 * sockets need to end.
	 */
	err = register_pernet_device(&kweb_net_ops);
	if (err)
		goto err_sysfs;
	return 0;

err_sysfs:
	kweb_sysfs_uninit();
err_core:
	ktcp_uninit();
	return err;
}

static void __exit kweb_exit(void)
{
	/* Stops the server of every namespace. */
	unregister_pernet_device(&kweb_net_ops);
	kweb_sysfs_uninit();
	ktcp_uninit();
}

module_init(kweb_init);
module_exit(kweb_exit);

MODULE_DESCRIPTION("Web server per network namespace, switched through sysfs");
MODULE_AUTHOR("ktcp");
MODULE_LICENSE("Dual MIT/GPL");
