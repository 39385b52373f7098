// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Ends a connection whatever its state, on the ways that the kernel itself has
 * for it: tcp_abort(), which "ss -K" uses, and for TIME_WAIT, which is not a
 * full socket, what its timer would have done.
 */

#include <linux/bottom_half.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/inet_timewait_sock.h>
#include <net/net_namespace.h>
#include <net/tcp.h>

#include "droptcp.h"

/*
 * Looks in the table of connections only: a plain lookup would end at the
 * listener when there is no such connection. Returns a reference to a socket
 * of any kind: full, request or timewait.
 */
static struct sock *drop_find(struct net *net, const struct droptcp_pair *pair,
			      int dif)
{
	struct inet_hashinfo *table = net->ipv4.tcp_death_row.hashinfo;
	__be16 port = htons(pair->remote.port);

#if IS_ENABLED(CONFIG_IPV6)
	if (pair->v6)
		return __inet6_lookup_established(net, table, &pair->remote.v6,
						  port, &pair->local.v6,
						  pair->local.port, dif, 0);
#endif
	if (pair->v6)
		return NULL;
	return __inet_lookup_established(net, table, pair->remote.v4, port,
					 pair->local.v4, pair->local.port, dif,
					 0);
}

/* Consumes the reference. */
static void drop_sock(struct sock *sk)
{
	if (sk->sk_state == TCP_TIME_WAIT) {
		/* Takes locks that softirqs take, and consumes the reference. */
		local_bh_disable();
		inet_twsk_deschedule_put(inet_twsk(sk));
		local_bh_enable();
		return;
	}
	/* It may have ended by itself meanwhile, which is as good. */
	tcp_abort(sk, ECONNABORTED);
	sock_gen_put(sk);
}

/* Drops the socket that is bound to no interface. */
static bool drop_unbound(struct net *net, const struct droptcp_pair *pair)
{
	struct sock *sk;

	rcu_read_lock();
	sk = drop_find(net, pair, 0);
	rcu_read_unlock();
	if (sk)
		drop_sock(sk);
	return sk;
}

/*
 * The next socket that is bound to an interface, with a reference. @passed says
 * how many interfaces are done with, and is moved on: where one comes or goes
 * meanwhile, its neighbour may be missed, or looked at twice.
 */
static struct sock *drop_find_bound(struct net *net,
				    const struct droptcp_pair *pair,
				    unsigned int *passed)
{
	struct net_device *dev;
	struct sock *sk = NULL;
	unsigned int i = 0;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev) {
		if (i++ < *passed)
			continue;
		sk = drop_find(net, pair, dev->ifindex);
		if (sk)
			break;
	}
	rcu_read_unlock();
	*passed = i;
	return sk;
}

/**
 * droptcp_drop - end a connection
 * @net: the namespace to look in
 * @pair: which; that there is none is no error
 *
 * Sockets that are bound to an interface, as those of link-local addresses
 * are, are found only there: a pair that is not there costs one look for each
 * interface, and each socket that is dropped starts over. Sleeps.
 */
void droptcp_drop(struct net *net, const struct droptcp_pair *pair)
{
	unsigned int passed = 0;
	struct sock *sk;

	if (drop_unbound(net, pair))
		return;
	while ((sk = drop_find_bound(net, pair, &passed))) {
		drop_sock(sk);
		cond_resched();
	}
}
