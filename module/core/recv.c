// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Reading. Bytes are shown to the protocol where they lie in the receive
 * queue, and those that it does not take stay there.
 */

#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "io.h"

#ifdef CONFIG_HIGHMEM
#error "reads page fragments in place, and in highmem these have no address"
#endif

/* Hands the protocol one piece of the receive queue. */
static size_t recv_feed(struct ktcp_io *io, const u8 *data, size_t len)
{
	int used = ktcp_proto->rx(io, data, len);

	if (used < 0) {
		io->error = used;
		return 0;
	}
	return used;
}

/*
 * Is that all for now? What a callback decides holds from the next byte on,
 * and the next byte may lie in the same skb: TCP moves the pages of segments
 * that wait together into one, so the piece after a request can be another.
 */
static bool recv_enough(const struct ktcp_io *io)
{
	return io->error || io->conn->closing || io->conn->more ||
	       io->nr == KTCP_IO_VECS;
}

/* Hands it an skb, which is in up to three kinds of pieces. */
static size_t recv_feed_skb(struct ktcp_io *io, const struct sk_buff *skb,
			    unsigned int off, size_t len)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	const struct sk_buff *part;
	unsigned int start = 0;
	size_t done = 0;
	int i;

	for (i = -1; i < info->nr_frags && done < len; i++) {
		unsigned int size = i < 0 ? skb_headlen(skb) :
					    skb_frag_size(&info->frags[i]);
		const u8 *data = i < 0 ? skb->data :
					 skb_frag_address(&info->frags[i]);

		if (off < start + size) {
			size_t n =
				min_t(size_t, start + size - off, len - done);
			size_t used;

			if (done && recv_enough(io))
				return done;
			used = recv_feed(io, data + (off - start), n);
			done += used;
			off += used;
			if (used < n)
				return done;
		}
		start += size;
	}

	/* Segments that were received as one: one level, by construction. */
	skb_walk_frags(skb, part) {
		if (done == len)
			break;
		if (off < start + part->len) {
			size_t n = min_t(size_t, start + part->len - off,
					 len - done);
			size_t used;

			if (done && recv_enough(io))
				return done;
			used = recv_feed_skb(io, part, off - start, n);
			done += used;
			off += used;
			if (used < n)
				return done;
		}
		start += part->len;
	}
	return done;
}

static int recv_rx_actor(read_descriptor_t *desc, struct sk_buff *skb,
			 unsigned int off, size_t len)
{
	struct ktcp_io *io = desc->arg.data;

	/* tcp_read_sock() comes back with the same skb after a part of it. */
	if (!desc->count)
		return 0;

	len = recv_feed_skb(io, skb, off, len);
	this_cpu_add(io->conn->srv->traffic->bytes_in, len);
	if (recv_enough(io))
		desc->count = 0;
	return len;
}

static int recv_discard_actor(read_descriptor_t *desc, struct sk_buff *skb,
			      unsigned int off, size_t len)
{
	return len;
}

/*
 * All reading is through here. Urgent data is read in line, as with
 * SO_OOBINLINE: tcp_read_sock() would stop before it and never pass.
 */
static int recv_read(struct sock *sk, struct ktcp_io *io, sk_read_actor_t actor)
{
	read_descriptor_t desc = { .arg.data = io, .count = 1 };

	if (unlikely(tcp_sk(sk)->urg_data))
		WRITE_ONCE(tcp_sk(sk)->urg_data, 0);
	return tcp_read_sock(sk, &desc, actor);
}

/*
 * Shows the protocol what is there. Returns how many bytes it has consumed, or
 * an error, its own or the socket's.
 */
int ktcp_recv_serve(struct sock *sk, struct ktcp_io *io)
{
	int read;

	io->error = 0;
	read = recv_read(sk, io, recv_rx_actor);
	return io->error ? io->error : read;
}

void ktcp_recv_discard(struct sock *sk)
{
	recv_read(sk, NULL, recv_discard_actor);
}
