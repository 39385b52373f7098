// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Poor on purpose: an echo server that takes what it gets for a string. All
 * else is done as it should be.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#define SIZE 4096

static ushort port = 12345;
module_param(port, ushort, 0444);

struct client {
	struct list_head list;
	struct work_struct work;
	struct socket *sock;
};

static LIST_HEAD(clients);
static struct workqueue_struct *wq;
static struct socket *listener;
static struct task_struct *acceptor;

static int send_text(struct socket *sock, char *text)
{
	struct msghdr msg = {};
	size_t len = strlen(text); /* flaw */
	struct kvec vec = { .iov_base = text, .iov_len = len };

	return kernel_sendmsg(sock, &msg, &vec, 1, len);
}

static void serve(struct work_struct *work)
{
	struct client *c = container_of(work, struct client, work);
	char *buf = kmalloc(SIZE, GFP_KERNEL);

	while (buf) {
		struct kvec vec = { .iov_base = buf, .iov_len = SIZE - 1 };
		struct msghdr msg = {};
		int n = kernel_recvmsg(c->sock, &msg, &vec, 1, SIZE - 1, 0);

		if (n <= 0)
			break;
		buf[n] = '\0';
		if (send_text(c->sock, buf) < 0)
			break;
	}
	kernel_sock_shutdown(c->sock, SHUT_RDWR);
	kfree(buf);
}

static int accept_all(void *unused)
{
	allow_signal(SIGTERM);
	while (!kthread_should_stop()) {
		struct socket *sock;
		struct client *c;

		if (kernel_accept(listener, &sock, 0) < 0)
			continue;
		c = kzalloc(sizeof(*c), GFP_KERNEL);
		if (!c) {
			sock_release(sock);
			continue;
		}
		c->sock = sock;
		INIT_WORK(&c->work, serve);
		list_add(&c->list, &clients);
		queue_work(wq, &c->work);
	}
	return 0;
}

static int __init echo_init(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
		.sin_port = htons(port),
	};
	int err;

	wq = alloc_workqueue("echo", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!wq)
		return -ENOMEM;
	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &listener);
	if (err)
		goto err_wq;
	sock_set_reuseaddr(listener->sk);
	err = kernel_bind(listener, (struct sockaddr *)&addr, sizeof(addr));
	if (!err)
		err = kernel_listen(listener, 128);
	if (err)
		goto err_sock;
	acceptor = kthread_run(accept_all, NULL, "echo");
	if (IS_ERR(acceptor)) {
		err = PTR_ERR(acceptor);
		goto err_sock;
	}
	return 0;

err_sock:
	sock_release(listener);
err_wq:
	destroy_workqueue(wq);
	return err;
}

static void __exit echo_exit(void)
{
	struct client *c, *next;

	send_sig(SIGTERM, acceptor, 1);
	kthread_stop(acceptor);
	list_for_each_entry_safe(c, next, &clients, list) {
		kernel_sock_shutdown(c->sock, SHUT_RDWR);
		flush_work(&c->work);
		sock_release(c->sock);
		kfree(c);
	}
	sock_release(listener);
	destroy_workqueue(wq);
}

module_init(echo_init);
module_exit(echo_exit);

MODULE_DESCRIPTION("echo by strlen");
MODULE_LICENSE("Dual MIT/GPL");
