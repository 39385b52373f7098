/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef KWEB_H
#define KWEB_H

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/types.h>

#include "../core/ktcp.h"

struct net;

/*
 * One per network namespace, in memory that the namespace owns. Its sysfs
 * directory goes first, then its server: so nobody can start it again.
 */
struct kweb_net {
	struct net *net; /* not a reference: we go before it does */
	struct ktcp_server srv;
	struct kobject kobj; /* "data" */
	struct completion kobj_released;
};

extern const struct ktcp_proto kweb_proto;

int kweb_start(struct kweb_net *kn);

int kweb_sysfs_init(void);
void kweb_sysfs_uninit(void);
int kweb_sysfs_add(struct kweb_net *kn);
void kweb_sysfs_remove(struct kweb_net *kn);

#endif
