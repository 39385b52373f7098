// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Good on purpose, and made in another way than the modules of this tree: a thread
 * for each connection, without counters, limits or namespaces.
 */
#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/sock.h>

static ushort port = 12345;
module_param(port, ushort, 0444);
static ushort backlog = 1024;
module_param(backlog, ushort, 0444);

struct conn {
	struct list_head node;
	struct socket *sock;
	struct task_struct *task;
	bool done;
};

static struct socket *listener;
static struct task_struct *acceptor;
static LIST_HEAD(conns);

static int talk(struct socket *sock, char *buf, int size)
{
	struct kvec vec = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {};
	int sent, n;

	n = kernel_recvmsg(sock, &msg, &vec, 1, size, 0);
	for (sent = 0; sent < n;) {
		struct kvec out = { .iov_base = buf + sent,
				    .iov_len = n - sent };
		struct msghdr reply = { .msg_flags = MSG_NOSIGNAL };
		int done = kernel_sendmsg(sock, &reply, &out, 1, n - sent);

		if (done <= 0)
			return -1;
		sent += done;
	}
	return n;
}

static int serve(void *arg)
{
	struct conn *c = arg;
	char *buf = kmalloc(4096, GFP_KERNEL);

	while (buf && talk(c->sock, buf, 4096) > 0)
		;
	kfree(buf);
	kernel_sock_shutdown(c->sock, SHUT_RDWR);
	WRITE_ONCE(c->done, true);
	return 0;
}

static void reap(bool all)
{
	struct conn *c, *next;

	list_for_each_entry_safe(c, next, &conns, node) {
		if (!all && !READ_ONCE(c->done))
			continue;
		kernel_sock_shutdown(c->sock, SHUT_RDWR);
		kthread_stop(c->task);
		put_task_struct(c->task);
		list_del(&c->node);
		sock_release(c->sock);
		kfree(c);
	}
}

static int accept_all(void *unused)
{
	while (!kthread_should_stop()) {
		struct socket *sock;
		struct conn *c;

		if (kernel_accept(listener, &sock, 0) < 0) {
			schedule_timeout_interruptible(1);
			continue;
		}
		reap(false);
		c = kzalloc(sizeof(*c), GFP_KERNEL);
		if (!c) {
			sock_release(sock);
			continue;
		}
		c->sock = sock;
		c->task = kthread_create(serve, c, "techo_conn");
		if (IS_ERR(c->task)) {
			sock_release(sock);
			kfree(c);
			continue;
		}
		get_task_struct(c->task);
		list_add(&c->node, &conns);
		wake_up_process(c->task);
	}
	return 0;
}

static int __init techo_init(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
		.sin_port = htons(port),
	};
	int err = -ENOMEM;

	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &listener);
	if (err)
		return err;
	sock_set_reuseaddr(listener->sk);
	err = kernel_bind(listener, (struct sockaddr *)&addr, sizeof(addr));
	if (!err)
		err = kernel_listen(listener, backlog);
	if (err)
		goto err_sock;
	acceptor = kthread_run(accept_all, NULL, "techo");
	err = PTR_ERR_OR_ZERO(acceptor);
	if (!err)
		return 0;
err_sock:
	sock_release(listener);
	return err;
}

static void __exit techo_exit(void)
{
	kernel_sock_shutdown(listener, SHUT_RDWR);
	kthread_stop(acceptor);
	reap(true);
	sock_release(listener);
}
module_init(techo_init);
module_exit(techo_exit);
MODULE_LICENSE("Dual MIT/GPL");
