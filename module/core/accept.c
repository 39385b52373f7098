// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The listener's callback, and the work that accepts. */

#include <linux/net.h>
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "internal.h"

/* Accepted in one run of the work before others get their turn. */
#define ACCEPT_BUDGET 64

/* Pause after an accept that failed for want of memory or files. */
#define ACCEPT_RETRY (HZ / 10)

static void accept_data_ready(struct sock *sk)
{
	struct ktcp_server *srv;

	/*
	 * A child inherits this callback, and data may reach it before it is
	 * accepted. It has no use for it, and its sk_callback_lock must not be
	 * taken here: look at the state, which only a listener shares, first.
	 */
	if (READ_ONCE(sk->sk_state) != TCP_LISTEN)
		return;

	read_lock_bh(&sk->sk_callback_lock);
	srv = sk->sk_user_data;
	/* When a retry is pending, this leaves its delay alone. */
	if (srv)
		queue_delayed_work(ktcp_wq, &srv->accept, 0);
	read_unlock_bh(&sk->sk_callback_lock);
}

/* Returns whether there is room for one more; if not, release resumes us. */
static bool accept_admitted(struct ktcp_server *srv)
{
	bool room;

	spin_lock(&srv->lock);
	room = !srv->stopping && srv->stats.active < srv->cfg.max_conns;
	srv->accept_paused = !room;
	spin_unlock(&srv->lock);
	return room;
}

/* Accept failed for a reason that will not go away at once: do not spin. */
static void accept_retry(struct ktcp_server *srv)
{
	spin_lock(&srv->lock);
	srv->stats.errors++;
	if (!srv->stopping)
		queue_delayed_work(ktcp_wq, &srv->accept, ACCEPT_RETRY);
	spin_unlock(&srv->lock);
}

static void accept_work(struct work_struct *work)
{
	struct ktcp_server *srv =
		container_of(to_delayed_work(work), struct ktcp_server, accept);
	struct request_sock_queue *queue =
		&inet_csk(srv->sock->sk)->icsk_accept_queue;
	struct socket *sock;
	int budget, err;

	for (budget = ACCEPT_BUDGET; budget; budget--) {
		/*
		 * kernel_accept() makes a socket, inode and all, before it
		 * looks for a connection to put there. Who adds one after this
		 * look calls the callback next, which queues us again.
		 */
		if (reqsk_queue_empty(queue))
			return;
		if (!accept_admitted(srv))
			return;
		err = kernel_accept(srv->sock, &sock, O_NONBLOCK);
		if (!err)
			err = ktcp_conn_create(srv, sock);
		switch (err) {
		case 0:
		case -ECONNABORTED: /* this one only: others may be fine */
		case -EPROTO:
		case -EINTR:
			break;
		case -EAGAIN: /* none left; the callback tells of the next */
		case -EINVAL: /* no listener: closed from outside, by ss -K */
			return;
		default:
			accept_retry(srv);
			return;
		}
	}
	queue_delayed_work(ktcp_wq, &srv->accept, 0);
}

void ktcp_accept_init(struct ktcp_server *srv)
{
	INIT_DELAYED_WORK(&srv->accept, accept_work);
}

/* Takes over the listener's callback. Before listen(): no event is missed. */
void ktcp_accept_hook(struct ktcp_server *srv)
{
	struct sock *sk = srv->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	srv->saved_data_ready = sk->sk_data_ready;
	srv->saved_write_space = sk->sk_write_space;
	srv->saved_state_change = sk->sk_state_change;
	sk->sk_user_data = srv;
	sk->sk_data_ready = accept_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * Gives the callback back, then cancels and flushes the work: the socket may
 * be released only after that, because the work uses it. The caller has set
 * srv->stopping, so nobody queues the work again.
 */
void ktcp_accept_unhook(struct ktcp_server *srv)
{
	struct sock *sk = srv->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_data_ready = srv->saved_data_ready;
	sk->sk_user_data = NULL;
	write_unlock_bh(&sk->sk_callback_lock);

	cancel_delayed_work_sync(&srv->accept);
}

/* There is room again. Called with srv->lock held. */
void ktcp_accept_resume(struct ktcp_server *srv)
{
	if (srv->accept_paused && !srv->stopping) {
		srv->accept_paused = false;
		queue_delayed_work(ktcp_wq, &srv->accept, 0);
	}
}
