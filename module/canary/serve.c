// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A server as they are written first: one thread, which accepts a client and
 * has no ears for others until that one has gone. And it cannot even copy.
 */

#include <linux/err.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/net.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "canary.h"

/* scenarios/canary_test.go knows it. */
#define PORT 7029

#define LINE 64

/* How soon the thread sees that it is to end: it only ever waits so long. */
#define LOOK (HZ / 20)

static struct task_struct *server;
static struct socket *listener;

/* Echoes what is there. Returns how much that was, 0 for the end. */
static int answer(struct socket *sock)
{
	u8 buf[LINE];
	struct kvec vec = { .iov_base = buf, .iov_len = LINE };
	struct msghdr msg = {};
	int n;

	n = kernel_recvmsg(sock, &msg, &vec, 1, LINE, 0); /* canary: deaf */
	if (n <= 0)
		return n;
	buf[n / 2] ^= 1; /* canary: wrong_byte */
	vec.iov_base = buf;
	vec.iov_len = n;
	memset(&msg, 0, sizeof(msg));
	return kernel_sendmsg(sock, &msg, &vec, 1, n);
}

/* Until the client has gone. */
static void serve(struct socket *sock)
{
	int n;

	sock->sk->sk_rcvtimeo = LOOK;
	do {
		n = answer(sock);
	} while ((n > 0 || n == -EAGAIN) && !kthread_should_stop());
}

static int server_fn(void *unused)
{
	struct socket *sock;

	while (!kthread_should_stop()) {
		/* A time that has run out is one reason of several. */
		if (kernel_accept(listener, &sock, 0)) {
			schedule_timeout_interruptible(1);
			continue;
		}
		serve(sock);
		sock_release(sock);
	}
	return 0;
}

/* Both bugs are the same server's: clients see to it which one shows. */
void canary_serve(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(PORT),
	};
	struct socket *sock;

	if (server)
		return;
	if (sock_create_kern(&init_net, AF_INET, SOCK_STREAM, 0, &sock))
		return;
	sock->sk->sk_rcvtimeo = LOOK;
	if (kernel_bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    kernel_listen(sock, 8))
		goto err;
	listener = sock;
	server = kthread_run(server_fn, NULL, "canary/serve");
	if (!IS_ERR(server))
		return;
	server = NULL;
	listener = NULL;
err:
	sock_release(sock);
}

void canary_serve_stop(void)
{
	if (!server)
		return;
	kthread_stop(server);
	sock_release(listener);
}
