// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Poor on purpose: a handful of workers, each of which waits for the client that it
 * has got. Clients that say nothing keep all others out.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#define SIZE 2048

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Content-Type: text/plain\r\n"
			     "Content-Length: 12\r\n"
			     "Connection: close\r\n\r\n"
			     "Hello World!";

static ushort port = 8081;
module_param(port, ushort, 0444);

static struct socket *listener;
static struct task_struct *acceptor;

/* One request, one answer. */
static void talk(struct socket *sock, char *buf)
{
	int have = 0;

	for (;;) {
		int n, room = SIZE - 1 - have;
		struct kvec vec = { .iov_base = buf + have, .iov_len = room };
		struct msghdr msg = {};

		n = kernel_recvmsg(sock, &msg, &vec, 1, room, 0); /* flaw */
		if (n <= 0)
			return;
		have += n;
		buf[have] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			break;
		if (have == SIZE - 1)
			return;
	}
	if (!strncmp(buf, "GET ", 4)) {
		struct kvec vec = { .iov_base = (char *)answer,
				    .iov_len = sizeof(answer) - 1 };
		struct msghdr msg = {};

		kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
	}
}

struct client {
	struct list_head list;
	struct work_struct work;
	struct socket *sock;
};

static LIST_HEAD(clients);
static struct workqueue_struct *wq;

static void serve(struct work_struct *work)
{
	struct client *c = container_of(work, struct client, work);
	char *buf = kmalloc(SIZE, GFP_KERNEL);

	if (buf)
		talk(c->sock, buf);
	kfree(buf);
	kernel_sock_shutdown(c->sock, SHUT_RDWR);
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

static int __init open_listener(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
		.sin_port = htons(port),
	};
	int err;

	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &listener);
	if (err)
		return err;
	sock_set_reuseaddr(listener->sk);
	err = kernel_bind(listener, (struct sockaddr *)&addr, sizeof(addr));
	if (!err)
		err = kernel_listen(listener, 512);
	if (!err) {
		acceptor = kthread_run(accept_all, NULL, "khttpd");
		err = PTR_ERR_OR_ZERO(acceptor);
	}
	if (err)
		sock_release(listener);
	return err;
}

static int __init khttpd_init(void)
{
	int err;

	wq = alloc_workqueue("khttpd", 0, 4);
	if (!wq)
		return -ENOMEM;
	err = open_listener();
	if (err)
		destroy_workqueue(wq);
	return err;
}

static void __exit khttpd_exit(void)
{
	struct client *c, *next;

	send_sig(SIGTERM, acceptor, 1);
	kthread_stop(acceptor);
	/* Whoever waits for a request is told that none will come. */
	list_for_each_entry(c, &clients, list)
		kernel_sock_shutdown(c->sock, SHUT_RDWR);
	list_for_each_entry_safe(c, next, &clients, list) {
		flush_work(&c->work);
		sock_release(c->sock);
		kfree(c);
	}
	sock_release(listener);
	destroy_workqueue(wq);
}

module_init(khttpd_init);
module_exit(khttpd_exit);

MODULE_DESCRIPTION("workers that wait");
MODULE_LICENSE("Dual MIT/GPL");
