// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Poor on purpose: one thread that serves one client to its end before it accepts the
 * next, and an exit that waits until that client has gone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <net/sock.h>

static ushort port = 12345;
module_param(port, ushort, 0444);

static struct socket *listener;
static DECLARE_COMPLETION(ended);
static bool stopping;

static void talk(struct socket *sock)
{
	char buf[256];

	for (;;) {
		struct kvec vec = { .iov_base = buf, .iov_len = sizeof(buf) };
		struct msghdr msg = {};
		int n, sent;

		n = kernel_recvmsg(sock, &msg, &vec, 1, 256, 0); /* flaw */
		if (n <= 0)
			return;
		for (sent = 0; sent < n;) {
			struct kvec out = { .iov_base = buf + sent,
					    .iov_len = n - sent };
			struct msghdr reply = {};
			int done = kernel_sendmsg(sock, &reply, &out, 1,
						  out.iov_len);

			if (done <= 0)
				return;
			sent += done;
		}
	}
}

static int serve(void *unused)
{
	listener->sk->sk_rcvtimeo = HZ / 5; /* then it looks again */
	while (!READ_ONCE(stopping)) {
		struct socket *sock;

		if (kernel_accept(listener, &sock, 0) < 0)
			continue;
		sock->sk->sk_rcvtimeo = MAX_SCHEDULE_TIMEOUT;
		talk(sock);
		sock_release(sock);
	}
	kthread_complete_and_exit(&ended, 0);
}

static int __init kecho_init(void)
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
		err = kernel_listen(listener, 16);
	if (!err)
		err = PTR_ERR_OR_ZERO(kthread_run(serve, NULL, "kecho"));
	if (err)
		sock_release(listener);
	return err;
}

static void __exit kecho_exit(void)
{
	WRITE_ONCE(stopping, true);
	wait_for_completion(&ended); /* flaw */
	sock_release(listener);
}

module_init(kecho_init);
module_exit(kecho_exit);

MODULE_DESCRIPTION("one client at a time");
MODULE_LICENSE("Dual MIT/GPL");
