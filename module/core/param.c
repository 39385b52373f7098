// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Parameters that are looked at when the module is loaded. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "param.h"

static int number_set(const char *val, const struct kernel_param *kp)
{
	struct ktcp_number *number = kp->arg;
	unsigned int value;

	if (kstrtouint(val, 10, &value) || value < number->min ||
	    value > number->max) {
		pr_err("%s=%s: expected a number from %u to %u\n", kp->name,
		       val, number->min, number->max);
		return -EINVAL;
	}
	number->value = value;
	return 0;
}

static int number_get(char *buf, const struct kernel_param *kp)
{
	const struct ktcp_number *number = kp->arg;

	return sprintf(buf, "%u\n", number->value);
}

const struct kernel_param_ops ktcp_number_ops = {
	.set = number_set,
	.get = number_get,
};

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
	pr_err("%s=%s: expected an IPv4 address to listen on, as 127.0.0.1\n",
	       kp->name, val);
	return -EINVAL;
}

static int host_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%pI4\n", kp->arg);
}

const struct kernel_param_ops ktcp_host_ops = {
	.set = host_set,
	.get = host_get,
};

static const char *const netns_names[] = {
	[KTCP_NETNS_CURRENT] = "current",
	[KTCP_NETNS_ALL] = "all",
};

static int netns_set(const char *val, const struct kernel_param *kp)
{
	int index = sysfs_match_string(netns_names, val);

	if (index < 0) {
		pr_err("%s=%s: expected current or all\n", kp->name, val);
		return -EINVAL;
	}
	*(enum ktcp_netns *)kp->arg = index;
	return 0;
}

static int netns_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%s\n", netns_names[*(enum ktcp_netns *)kp->arg]);
}

const struct kernel_param_ops ktcp_netns_ops = {
	.set = netns_set,
	.get = netns_get,
};
