// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A server per network namespace: which have one, and when it starts. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "internal.h"
#include "service.h"

#define LINGER_MS 2000
#define STOP_MS 1000

static const struct ktcp_service *service;
static unsigned int service_net_id;

/*
 * The namespace of the process that loads the module, while it does: that
 * process holds it, so no namespace that is created meanwhile can be taken
 * for it. Not kept: a later one could have the same address.
 */
static struct net *service_loader;

/* A server that runs goes on. */
int ktcp_net_start(struct ktcp_net *kn)
{
	const struct ktcp_params *params = service->params;
	struct ktcp_config cfg = {
		.backlog = params->backlog.value,
		.max_conns = params->max_conns.value,
		.timeout_ms = params->timeout_ms.value,
		.linger_ms = LINGER_MS,
		.stop_ms = STOP_MS,
	};
	struct sockaddr_in *addr = (struct sockaddr_in *)&cfg.addr;

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = params->host;
	addr->sin_port = htons(params->port.value);
	return ktcp_server_start(&kn->srv, kn->net, &cfg);
}

static int __net_init service_net_init(struct net *net)
{
	struct ktcp_net *kn = net_generic(net, service_net_id);
	bool loader = net == READ_ONCE(service_loader);
	int err;

	if (!service->manual && !loader &&
	    service->params->netns == KTCP_NETNS_CURRENT)
		return 0;

	kn->net = net;
	err = ktcp_server_init(&kn->srv);
	if (err)
		return err;
	err = ktcp_sysfs_add(kn);
	if (err)
		goto err_server;
	kn->served = true;
	if (service->manual)
		return 0;

	err = ktcp_net_start(kn);
	if (!err)
		return 0;
	if (!loader) {
		/*
		 * Nobody who creates a namespace has asked for us: it works
		 * without. Status says so, and can be used to try again.
		 */
		pr_warn_ratelimited("not in network namespace %u: error %d\n",
				    net->ns.inum, err);
		return 0;
	}

	/* Who loads the module has asked, and gets the reason. */
	pr_err("cannot listen on %pI4, port %u: error %d\n",
	       &service->params->host, service->params->port.value, err);
	/* First the directory: somebody may be about to write to status. */
	ktcp_sysfs_remove(kn);
	ktcp_server_stop(&kn->srv);
err_server:
	ktcp_server_uninit(&kn->srv);
	return err;
}

/*
 * The namespace dies, or the module goes; in either case several namespaces
 * may at once. Pre_exit begins for each, exit waits for each, so that they
 * share the time that their peers take.
 */
static void __net_exit service_net_pre_exit(struct net *net)
{
	struct ktcp_net *kn = net_generic(net, service_net_id);

	if (!kn->served)
		return;
	ktcp_sysfs_remove(kn);
	ktcp_server_close(&kn->srv);
}

static void __net_exit service_net_exit(struct net *net)
{
	struct ktcp_net *kn = net_generic(net, service_net_id);

	if (!kn->served)
		return;
	ktcp_server_drain(&kn->srv);
	ktcp_server_uninit(&kn->srv);
}

static struct pernet_operations service_net_ops = {
	.init = service_net_init,
	.pre_exit = service_net_pre_exit,
	.exit = service_net_exit,
	.id = &service_net_id,
	.size = sizeof(struct ktcp_net),
};

/**
 * ktcp_service_init - serve: what a module's init does
 * @svc: stays in use until ktcp_service_uninit()
 *
 * Return: 0, or a negative errno: that of bind or listen when the port cannot
 * be had in the namespace of the process that loads the module.
 */
int ktcp_service_init(const struct ktcp_service *svc)
{
	int err;

	service = svc;
	err = ktcp_init(svc->proto, svc->wq_flags);
	if (err)
		return err;

	err = ktcp_sysfs_init(svc->directory);
	if (err)
		goto err_core;

	/*
	 * A device operation, not a subsystem one: these exit first, while the
	 * namespace still has its interfaces, routes and TCP, which our
	 * sockets need to end.
	 */
	WRITE_ONCE(service_loader, current->nsproxy->net_ns);
	err = register_pernet_device(&service_net_ops);
	WRITE_ONCE(service_loader, NULL);
	if (err)
		goto err_sysfs;
	return 0;

err_sysfs:
	ktcp_sysfs_uninit();
err_core:
	ktcp_uninit();
	return err;
}

/**
 * ktcp_service_uninit - serve no more: what a module's exit does
 *
 * Stops the server of every namespace, all at the same time. No client can
 * make that last; a protocol that blocks can, see ktcp_server_drain().
 */
void ktcp_service_uninit(void)
{
	unregister_pernet_device(&service_net_ops);
	ktcp_sysfs_uninit();
	ktcp_uninit();
}
