// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Poor on purpose: a server per network namespace whose status is looked at
 * and changed without a lock. Two writers at once start it twice, or stop what
 * the other has stopped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#define SIZE 2048

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Content-Type: text/plain\r\n"
			     "Content-Length: 12\r\n"
			     "Connection: close\r\n\r\n"
			     "Hello World!";

static ushort port = 9999;
module_param(port, ushort, 0444);

struct server {
	struct socket *listener;
	struct task_struct *acceptor;
	int on;
};

static unsigned int net_id;

static void talk(struct socket *sock)
{
	char *buf = kzalloc(SIZE, GFP_KERNEL);
	struct kvec in = { .iov_base = buf, .iov_len = SIZE - 1 };
	struct kvec out = { .iov_base = (char *)answer,
			    .iov_len = sizeof(answer) - 1 };
	struct msghdr msg = {};

	sock->sk->sk_rcvtimeo = HZ / 2;
	if (buf && kernel_recvmsg(sock, &msg, &in, 1, in.iov_len, 0) > 0) {
		memset(&msg, 0, sizeof(msg));
		kernel_sendmsg(sock, &msg, &out, 1, out.iov_len);
	}
	kernel_sock_shutdown(sock, SHUT_RDWR);
	sock_release(sock);
	kfree(buf);
}

static int accept_all(void *arg)
{
	struct socket *listener = arg;

	allow_signal(SIGTERM);
	while (!kthread_should_stop()) {
		struct socket *sock;

		if (kernel_accept(listener, &sock, 0) < 0) /* flaw */
			continue;
		talk(sock);
	}
	return 0;
}

static int server_start(struct net *net, struct server *s)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
		.sin_port = htons(port),
	};
	int err;

	err = sock_create_kern(net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &s->listener); /* flaw */
	if (err)
		return err;
	sock_set_reuseaddr(s->listener->sk); /* flaw */
	s->listener->sk->sk_reuseport = 1; /* flaw */
	err = kernel_bind(s->listener, (struct sockaddr *)&addr, /* flaw */
			  sizeof(addr));
	if (!err)
		err = kernel_listen(s->listener, 128); /* flaw */
	if (!err) {
		s->acceptor =
			kthread_run(accept_all, s->listener, "web"); /* flaw */
		err = PTR_ERR_OR_ZERO(s->acceptor);
	}
	if (err)
		sock_release(s->listener); /* flaw */
	else
		s->on = 1;
	return err;
}

static void server_stop(struct server *s)
{
	send_sig(SIGTERM, s->acceptor, 1); /* flaw */
	kthread_stop(s->acceptor); /* flaw */
	sock_release(s->listener); /* flaw */
	s->on = 0;
}

static ssize_t status_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	struct server *s = net_generic(current->nsproxy->net_ns, net_id);

	return sysfs_emit(buf, "%d\n", s->on);
}

static ssize_t status_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	struct net *net = current->nsproxy->net_ns;
	struct server *s = net_generic(net, net_id);
	int err = 0;

	if (sysfs_streq(buf, "1")) {
		if (!s->on)
			err = server_start(net, s);
	} else if (sysfs_streq(buf, "0")) {
		if (s->on)
			server_stop(s);
	} else {
		err = -EINVAL;
	}
	return err ? err : count;
}

static struct kobj_attribute status_attr = __ATTR_RW(status);

static void __net_exit web_net_exit(struct net *net)
{
	struct server *s = net_generic(net, net_id);

	if (s->on)
		server_stop(s);
}

static struct pernet_operations web_net_ops = {
	.exit = web_net_exit,
	.id = &net_id,
	.size = sizeof(struct server),
};

static struct kobject *dirs[3];

static void dirs_remove(void)
{
	int i;

	for (i = ARRAY_SIZE(dirs) - 1; i >= 0; i--)
		kobject_put(dirs[i]);
}

static int __init web_init(void)
{
	static const char *const names[] = { "webserver", "net", "data" };
	int i, err;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		dirs[i] = kobject_create_and_add(names[i],
						 i ? dirs[i - 1] : kernel_kobj);
		if (!dirs[i]) {
			dirs_remove();
			return -ENOMEM;
		}
	}
	err = register_pernet_device(&web_net_ops);
	if (err)
		goto err_dirs;
	err = sysfs_create_file(dirs[2], &status_attr.attr);
	if (err)
		goto err_net;
	return 0;

err_net:
	unregister_pernet_device(&web_net_ops);
err_dirs:
	dirs_remove();
	return err;
}

static void __exit web_exit(void)
{
	sysfs_remove_file(dirs[2], &status_attr.attr);
	unregister_pernet_device(&web_net_ops);
	dirs_remove();
}

module_init(web_init);
module_exit(web_exit);

MODULE_DESCRIPTION("a status without a lock");
MODULE_LICENSE("Dual MIT/GPL");
