// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Starting and stopping a server. */

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/percpu.h>
#include <linux/tcp.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "internal.h"

/**
 * ktcp_server_init - prepare a server, which does not run yet
 * @srv: the server; its counters begin at zero
 *
 * Return: 0 or -ENOMEM.
 */
int ktcp_server_init(struct ktcp_server *srv)
{
	memset(srv, 0, sizeof(*srv));
	srv->traffic = alloc_percpu(struct ktcp_traffic);
	if (!srv->traffic)
		return -ENOMEM;
	mutex_init(&srv->mutex);
	spin_lock_init(&srv->lock);
	INIT_LIST_HEAD(&srv->conns);
	init_waitqueue_head(&srv->drained);
	ktcp_accept_init(srv);
	ktcp_sweep_init(srv);
	return 0;
}

/**
 * ktcp_server_uninit - the last call for a server
 * @srv: does not run, and has no connections: never started, or drained
 */
void ktcp_server_uninit(struct ktcp_server *srv)
{
	free_percpu(srv->traffic);
}

/* Under srv->mutex. */
static void server_set_sock(struct ktcp_server *srv, struct socket *sock)
{
	spin_lock(&srv->lock);
	srv->sock = sock;
	spin_unlock(&srv->lock);
}

static int server_listen(struct ktcp_server *srv, struct net *net)
{
	struct sockaddr *addr = (struct sockaddr *)&srv->cfg.addr;
	int family = srv->cfg.addr.ss_family;
	struct socket *sock;
	int err;

	/*
	 * A kernel socket holds no reference to its namespace, and what it
	 * accepts inherits that: the namespace can die, and then its exit
	 * operation stops us.
	 */
	err = sock_create_kern(net, family, SOCK_STREAM, IPPROTO_TCP, &sock);
	if (err)
		return err;

	/* Connections of a previous run that are in TIME_WAIT do not bind. */
	sock_set_reuseaddr(sock->sk);
	/* Inherited by every connection: an answer is one send. */
	tcp_sock_set_nodelay(sock->sk);

	err = kernel_bind(sock, addr,
			  family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					       sizeof(struct sockaddr_in));
	if (err)
		goto err_release;

	server_set_sock(srv, sock);
	ktcp_accept_hook(srv);
	err = kernel_listen(sock, srv->cfg.backlog);
	if (err)
		goto err_unhook;
	return 0;

err_unhook:
	ktcp_accept_unhook(srv);
	server_set_sock(srv, NULL);
err_release:
	sock_release(sock);
	return err;
}

static void server_close(struct ktcp_server *srv)
{
	struct socket *sock = srv->sock;

	if (!sock)
		return;

	/* From here on nobody queues the accept work except the callback, */
	spin_lock(&srv->lock);
	WRITE_ONCE(srv->stopping, true);
	spin_unlock(&srv->lock);

	/* and then not even that; it is flushed before its socket goes. */
	ktcp_accept_unhook(srv);
	server_set_sock(srv, NULL);
	sock_release(sock);

	/* No connection is added any more: every one is told to end. */
	spin_lock(&srv->lock);
	srv->stop_deadline = jiffies + msecs_to_jiffies(srv->cfg.stop_ms);
	ktcp_sweep_kick_all(srv);
	spin_unlock(&srv->lock);
}

static bool server_empty(struct ktcp_server *srv)
{
	bool empty;

	spin_lock(&srv->lock);
	empty = !srv->stats.active;
	spin_unlock(&srv->lock);
	return empty;
}

static void server_drain(struct ktcp_server *srv)
{
	unsigned long now = jiffies;
	long left = 0;

	if (time_after(srv->stop_deadline, now))
		left = srv->stop_deadline - now;

	/* Peers that answer take a round trip. */
	if (!wait_event_timeout(srv->drained, server_empty(srv), left)) {
		/* The others are reset, which waits for no peer. */
		spin_lock(&srv->lock);
		WRITE_ONCE(srv->aborting, true);
		ktcp_sweep_kick_all(srv);
		spin_unlock(&srv->lock);
		wait_event(srv->drained, server_empty(srv));
	}
	ktcp_sweep_stop(srv);
}

/**
 * ktcp_server_start - listen and serve
 * @srv: the server
 * @net: the namespace to listen in; it outlives the server's run, see
 *	ktcp_server_close()
 * @cfg: how
 *
 * A server that runs goes on as it is. One that somebody has made deaf, as
 * "ss -K" does to a listener, is stopped first, with its connections. Sleeps.
 *
 * Return: 0, or a negative errno, and then the server does not run.
 */
int ktcp_server_start(struct ktcp_server *srv, struct net *net,
		      const struct ktcp_config *cfg)
{
	int err = 0;

	mutex_lock(&srv->mutex);
	if (srv->sock && !ktcp_server_running(srv)) {
		server_close(srv);
		server_drain(srv);
	}
	if (!srv->sock) {
		srv->cfg = *cfg;
		srv->stopping = false;
		srv->aborting = false;
		srv->accept_paused = false;
		err = server_listen(srv, net);
	}
	mutex_unlock(&srv->mutex);
	return err;
}

/**
 * ktcp_server_close - the first half of stopping: no new connections
 * @srv: the server, running or not
 *
 * Releases the listener and tells every connection to end, and does not wait
 * for them, so that many servers can end at the same time. Sleeps.
 */
void ktcp_server_close(struct ktcp_server *srv)
{
	mutex_lock(&srv->mutex);
	server_close(srv);
	mutex_unlock(&srv->mutex);
}

/**
 * ktcp_server_drain - the second half: no connections at all
 * @srv: a server that was closed, or never ran
 *
 * Returns when the last socket is gone. For peers that is at most cfg.stop_ms
 * after ktcp_server_close(). A protocol that blocks in tx is waited for as long
 * as that takes, for ever if it must be: its text and ours cannot go while they
 * run. Sleeps.
 */
void ktcp_server_drain(struct ktcp_server *srv)
{
	mutex_lock(&srv->mutex);
	if (!srv->sock)
		server_drain(srv);
	mutex_unlock(&srv->mutex);
}

/**
 * ktcp_server_stop - stop a server, running or not
 * @srv: the server
 *
 * Returns when its sockets are gone, see ktcp_server_drain(). Sleeps.
 */
void ktcp_server_stop(struct ktcp_server *srv)
{
	mutex_lock(&srv->mutex);
	server_close(srv);
	server_drain(srv);
	mutex_unlock(&srv->mutex);
}

/**
 * ktcp_server_running - does the server listen?
 * @srv: the server
 *
 * Return: what was so a moment ago.
 */
bool ktcp_server_running(struct ktcp_server *srv)
{
	bool listens;

	/* Who releases the socket takes it away under the lock first. */
	spin_lock(&srv->lock);
	listens = srv->sock && inet_sk_state_load(srv->sock->sk) == TCP_LISTEN;
	spin_unlock(&srv->lock);
	return listens;
}

/**
 * ktcp_server_stats - read the counters
 * @srv: the server
 * @stats: is filled in; the bytes of open connections are included
 *
 * Anybody may read them, in a loop if he likes: that takes as long for many
 * connections as for none.
 */
void ktcp_server_stats(struct ktcp_server *srv, struct ktcp_stats *stats)
{
	const struct ktcp_traffic *traffic;
	int cpu;

	spin_lock(&srv->lock);
	*stats = srv->stats;
	spin_unlock(&srv->lock);
	for_each_possible_cpu(cpu) {
		traffic = per_cpu_ptr(srv->traffic, cpu);
		stats->bytes_in += READ_ONCE(traffic->bytes_in);
		stats->bytes_out += READ_ONCE(traffic->bytes_out);
	}
}
