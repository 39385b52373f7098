// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/kernel/DIRECTORY/net/data/status, and statistics/ beside it, different
 * ones in each network namespace.
 *
 * "net" is an ordinary directory whose children are tagged with a namespace,
 * as /sys/class/net is: its type has child_ns_type. Each namespace adds a
 * child "data" that names its own tag. A sysfs mount shows the children of the
 * namespace that it was mounted in.
 */

#include <linux/err.h>
#include <linux/kobject_ns.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/version.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "internal.h"

/* The callbacks of kobj_type take a const kobject since then. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define KOBJ_CONST
#else
#define KOBJ_CONST const
#endif

static struct kobject *directory;

static struct ktcp_net *to_ktcp_net(const struct kobject *kobj)
{
	return container_of(kobj, struct ktcp_net, kobj);
}

static ssize_t status_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	struct ktcp_net *kn = to_ktcp_net(kobj);

	return sysfs_emit(buf, "%d\n", ktcp_server_running(&kn->srv));
}

static ssize_t status_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	struct ktcp_net *kn = to_ktcp_net(kobj);
	int err = 0;

	if (sysfs_streq(buf, "1"))
		err = ktcp_net_start(kn);
	else if (sysfs_streq(buf, "0"))
		ktcp_server_stop(&kn->srv);
	else
		err = -EINVAL;
	return err ? err : count;
}

static struct kobj_attribute status_attr = __ATTR_RW(status);

static struct attribute *data_attrs[] = {
	&status_attr.attr,
	NULL,
};

static const struct attribute_group data_group = {
	.attrs = data_attrs,
};

static ssize_t statistic_show(struct kobject *kobj, size_t offset, char *buf)
{
	struct ktcp_stats stats;

	ktcp_server_stats(&to_ktcp_net(kobj)->srv, &stats);
	return sysfs_emit(buf, "%llu\n", *(u64 *)((void *)&stats + offset));
}

/* One file per counter, as interfaces have. */
#define STATISTIC(name)                                                        \
	static ssize_t name##_show(struct kobject *kobj,                       \
				   struct kobj_attribute *attr, char *buf)     \
	{                                                                      \
		return statistic_show(kobj, offsetof(struct ktcp_stats, name), \
				      buf);                                    \
	}                                                                      \
	static struct kobj_attribute name##_attr = __ATTR_RO(name)

STATISTIC(active);
STATISTIC(accepted);
STATISTIC(closed);
STATISTIC(timed_out);
STATISTIC(errors);
STATISTIC(bytes_in);
STATISTIC(bytes_out);

static struct attribute *statistics_attrs[] = {
	&active_attr.attr,    &accepted_attr.attr,
	&closed_attr.attr,    &timed_out_attr.attr,
	&errors_attr.attr,    &bytes_in_attr.attr,
	&bytes_out_attr.attr, NULL,
};

static const struct attribute_group statistics_group = {
	.name = "statistics",
	.attrs = statistics_attrs,
};

static const struct attribute_group *data_groups[] = {
	&data_group,
	&statistics_group,
	NULL,
};

static const void *data_namespace(KOBJ_CONST struct kobject *kobj)
{
	return to_ktcp_net(kobj)->net;
}

static void data_release(struct kobject *kobj)
{
	complete(&to_ktcp_net(kobj)->kobj_released);
}

static struct kobj_type data_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = data_release,
	.namespace = data_namespace,
	.default_groups = data_groups,
};

static const struct kobj_ns_type_operations *
net_child_ns_type(KOBJ_CONST struct kobject *kobj)
{
	return &net_ns_type_operations;
}

/* "net": lives as long as the module. */
static struct kobject net_kobj;
static DECLARE_COMPLETION(net_kobj_released);

static void net_release(struct kobject *kobj)
{
	complete(&net_kobj_released);
}

static struct kobj_type net_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = net_release,
	.child_ns_type = net_child_ns_type,
};

/*
 * Both directories are embedded in memory with a life of its own, and their
 * release functions are our text: wait for them instead of leaving the last
 * reference to somebody else.
 */
static void put_and_wait(struct kobject *kobj, struct completion *released)
{
	kobject_put(kobj);
	wait_for_completion(released);
}

int ktcp_sysfs_init(const char *name)
{
	int err;

	directory = kobject_create_and_add(name, kernel_kobj);
	if (!directory)
		return -ENOMEM;

	err = kobject_init_and_add(&net_kobj, &net_type, directory, "net");
	if (err) {
		put_and_wait(&net_kobj, &net_kobj_released);
		kobject_put(directory);
	}
	return err;
}

void ktcp_sysfs_uninit(void)
{
	put_and_wait(&net_kobj, &net_kobj_released);
	kobject_put(directory);
}

int ktcp_sysfs_add(struct ktcp_net *kn)
{
	int err;

	init_completion(&kn->kobj_released);
	err = kobject_init_and_add(&kn->kobj, &data_type, &net_kobj, "data");
	if (err)
		put_and_wait(&kn->kobj, &kn->kobj_released);
	return err;
}

/*
 * Waits for readers and writers that are inside status now. They may be about
 * to start or stop the server: hold nothing that they need. A file that is
 * still open afterwards answers ENODEV.
 */
void ktcp_sysfs_remove(struct ktcp_net *kn)
{
	kobject_del(&kn->kobj);
	put_and_wait(&kn->kobj, &kn->kobj_released);
}
