// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * droptcp: /proc/net/drop_tcp_sock, one in each network namespace. Each line
 * that is written to it names a connection of that namespace, which is dropped.
 */

/* What is refused is said at debug level, unless that is switched off. */
#define DEBUG
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "droptcp.h"

#define NAME "drop_tcp_sock"

/*
 * Taken of one write; who writes more is told so, and comes again with the
 * line that this would cut.
 */
#define WRITE_MAX 65536

/*
 * An open file. It holds no namespace: removing the file from proc waits for
 * who is inside, and then releases all that are open.
 */
struct droptcp_file {
	struct net *net;
	struct mutex mutex; /* guards what follows */
	unsigned int number; /* of lines that were taken */
	/*
	 * The line that is not complete: programs write what their buffers
	 * hold, and "1.2.3.4:12" can be half of a port.
	 */
	size_t len;
	char line[DROPTCP_LINE_MAX];
};

static int droptcp_open(struct inode *inode, struct file *file)
{
	struct net *net = pde_data(inode);
	struct droptcp_file *df;

	/*
	 * Who administers the namespace, as for "ss -K": that can be root of a
	 * user namespace, which anybody may be where the system lets him.
	 */
	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	df = kzalloc(sizeof(*df), GFP_KERNEL);
	if (!df)
		return -ENOMEM;
	df->net = net;
	mutex_init(&df->mutex);
	file->private_data = df;
	return 0;
}

static void refuse(unsigned int number, const char *line, size_t len)
{
	int shown = min_t(size_t, len, DROPTCP_LINE_MAX);

	pr_debug_ratelimited("line %u: not local:port remote:port: \"%*pE\"\n",
			     number, shown, line);
}

/* Reads the complete lines of @text. Returns their length, or -EINVAL. */
static ssize_t lines_check(const struct droptcp_file *df, const char *text,
			   size_t len)
{
	const char *line = text, *end = text + len;
	unsigned int number = df->number + 1;
	struct droptcp_pair pair;
	const char *newline;

	while ((newline = memchr(line, '\n', end - line))) {
		if (droptcp_parse(line, newline - line, &pair) < 0) {
			refuse(number, line, newline - line);
			return -EINVAL;
		}
		line = newline + 1;
		number++;
	}
	/*
	 * The rest waits for the next write. But a write without any newline,
	 * where nothing waits, is a line of its own to who has written it, and
	 * close() could not tell him what is wrong with it.
	 */
	if (line == text && !df->len ?
		    droptcp_parse(line, end - line, &pair) < 0 :
		    !droptcp_may_begin(line, end - line)) {
		refuse(number, line, end - line);
		return -EINVAL;
	}
	return line - text;
}

/*
 * Acts on complete lines, which are known to be right, until somebody kills the
 * writer, who then has nobody to ask how far it came.
 */
static void lines_act(struct droptcp_file *df, const char *text, size_t len)
{
	const char *line = text, *end = text + len;

	while (line < end && !fatal_signal_pending(current)) {
		const char *newline = memchr(line, '\n', end - line);
		struct droptcp_pair pair;

		if (droptcp_parse(line, newline - line, &pair) > 0)
			droptcp_drop(df->net, &pair);
		cond_resched();
		line = newline + 1;
		df->number++;
	}
}

static ssize_t droptcp_take(struct droptcp_file *df, const char __user *from,
			    size_t len)
{
	size_t taken = min_t(size_t, len, WRITE_MAX);
	size_t total = df->len + taken;
	ssize_t ret;
	char *text;

	text = kvmalloc(total, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	memcpy(text, df->line, df->len);
	if (copy_from_user(text + df->len, from, taken)) {
		ret = -EFAULT;
		goto out;
	}

	/* All is looked at before anything is done. */
	ret = lines_check(df, text, total);
	if (ret < 0) {
		df->len = 0;
		goto out;
	}
	lines_act(df, text, ret);
	if (taken < len) {
		/* It has a newline: nothing as long as that may begin a line. */
		taken = ret - df->len;
		df->len = 0;
	} else {
		df->len = total - ret;
		memcpy(df->line, text + ret, df->len);
	}
	ret = taken;
out:
	kvfree(text);
	return ret;
}

static ssize_t droptcp_write(struct file *file, const char __user *from,
			     size_t len, loff_t *off)
{
	struct droptcp_file *df = file->private_data;
	ssize_t ret;

	mutex_lock(&df->mutex);
	ret = droptcp_take(df, from, len);
	mutex_unlock(&df->mutex);
	return ret;
}

/*
 * The last line needs no newline. Nobody hears what is wrong with one that came
 * in the same write as others, or in pieces, but in the log.
 */
static int droptcp_release(struct inode *inode, struct file *file)
{
	struct droptcp_file *df = file->private_data;
	struct droptcp_pair pair;
	int ret = droptcp_parse(df->line, df->len, &pair);

	if (ret > 0)
		droptcp_drop(df->net, &pair);
	else if (ret < 0)
		refuse(df->number + 1, df->line, df->len);
	mutex_destroy(&df->mutex);
	kfree(df);
	return 0;
}

static const struct proc_ops droptcp_proc_ops = {
	.proc_open = droptcp_open,
	.proc_write = droptcp_write,
	.proc_release = droptcp_release,
	.proc_lseek = noop_llseek,
};

static int __net_init droptcp_net_init(struct net *net)
{
	/* Owned by root of the namespace, as all of its /proc/net. */
	if (!proc_create_data(NAME, 0200, net->proc_net, &droptcp_proc_ops,
			      net))
		return -ENOMEM;
	return 0;
}

static void __net_exit droptcp_net_exit(struct net *net)
{
	remove_proc_entry(NAME, net->proc_net);
}

static struct pernet_operations droptcp_net_ops = {
	.init = droptcp_net_init,
	.exit = droptcp_net_exit,
};

static int __init droptcp_init(void)
{
	return register_pernet_device(&droptcp_net_ops);
}

static void __exit droptcp_exit(void)
{
	unregister_pernet_device(&droptcp_net_ops);
}

module_init(droptcp_init);
module_exit(droptcp_exit);

MODULE_DESCRIPTION("Drops TCP connections by name");
MODULE_AUTHOR("ktcp");
MODULE_LICENSE("Dual MIT/GPL");
