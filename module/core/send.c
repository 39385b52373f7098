// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Writing. Answers are collected in struct ktcp_io, most of them by reference,
 * and handed to the socket in one sendmsg. What it does not take is kept as
 * the connection's tail, and nothing is read before that has gone.
 */

#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "io.h"

/* How long to leave a send alone that found no memory. */
#define SEND_STARVED (HZ / 10)

/*
 * Not an initializer: that would clear the arrays, which is half a kilobyte
 * for nothing in every run.
 */
void ktcp_send_init(struct ktcp_io *io)
{
	io->bytes = 0;
	io->nr = 0;
	io->copy = io->small;
	io->copy_len = 0;
	io->copy_size = sizeof(io->small);
	io->large = NULL;
}

void ktcp_send_uninit(struct ktcp_io *io)
{
	kfree(io->large);
}

/**
 * ktcp_io_send - queue output by reference
 * @io: as given to the callback
 * @data: constant, or unchanged while the connection lives
 * @len: its length
 *
 * What lies in memory behind what was queued last becomes one piece with it.
 *
 * Return: false when no more can be queued now; the callback then returns what
 * it has consumed so far and is called again.
 */
bool ktcp_io_send(struct ktcp_io *io, const void *data, size_t len)
{
	struct kvec *last = io->nr ? &io->vec[io->nr - 1] : NULL;

	if (last && last->iov_base + last->iov_len == data) {
		last->iov_len += len;
		io->bytes += len;
		return true;
	}
	if (io->nr == KTCP_IO_VECS)
		return false;
	io->vec[io->nr].iov_base = (void *)data;
	io->vec[io->nr].iov_len = len;
	io->nr++;
	io->bytes += len;
	return true;
}

static void send_grow(struct ktcp_io *io)
{
	/* What is in the small one stays there until it is sent. */
	io->large = kmalloc(KTCP_IO_COPY_LARGE,
			    GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!io->large)
		return;
	io->copy = io->large;
	io->copy_len = 0;
	io->copy_size = KTCP_IO_COPY_LARGE;
}

/* Is there room for @len more bytes that are written in place? */
static bool send_room(struct ktcp_io *io, size_t len)
{
	if (len > io->copy_size - io->copy_len && !io->large)
		send_grow(io);
	return len <= io->copy_size - io->copy_len;
}

/**
 * ktcp_io_full - is there no room for one more piece of output?
 * @io: as given to the callback
 *
 * Many small answers to what is one read are a lot together, and what the
 * socket does not take of them is kept in one piece of memory.
 *
 * Return: whether to leave the rest of the input for the next turn. Never when
 * nothing is queued, memory or not.
 */
bool ktcp_io_full(struct ktcp_io *io)
{
	return io->nr == KTCP_IO_VECS || io->bytes >= KTCP_IO_BYTES ||
	       !send_room(io, KTCP_IO_PIECE);
}

/**
 * ktcp_io_piece - queue a piece of output that the caller writes in place
 * @io: as given to the callback; ktcp_io_full() has said no, or nothing is
 *	queued
 * @len: how long it is, up to KTCP_IO_PIECE
 *
 * Return: where to write it, before the callback returns. NULL when there is
 * no room.
 */
void *ktcp_io_piece(struct ktcp_io *io, size_t len)
{
	u8 *to;

	if (!send_room(io, len))
		return NULL;
	to = io->copy + io->copy_len;
	if (!ktcp_io_send(io, to, len))
		return NULL;
	io->copy_len += len;
	return to;
}

/**
 * ktcp_io_copy - queue a copy of @data, as much of it as there is room for
 * @io: as given to the callback
 * @data: what to send
 * @len: its length
 *
 * Return: how many bytes were queued.
 */
size_t ktcp_io_copy(struct ktcp_io *io, const void *data, size_t len)
{
	void *to;

	if (!send_room(io, len))
		len = io->copy_size - io->copy_len;
	if (!len)
		return 0;
	to = ktcp_io_piece(io, len);
	if (!to)
		return 0;
	memcpy(to, data, len);
	return len;
}

/*
 * A send has left something over. Whether space or memory was missing decides
 * who calls us again: for space, write_space does, because sendmsg has set
 * SOCK_NOSPACE; for memory nobody would.
 */
static void send_blocked(struct ktcp_conn *conn)
{
	struct ktcp_server *srv = conn->srv;

	if (!sk_stream_memory_free(conn->sk))
		return;
	WRITE_ONCE(conn->starved, true);
	spin_lock(&srv->lock);
	ktcp_sweep_arm(srv, jiffies + SEND_STARVED);
	spin_unlock(&srv->lock);
}

/* Returns how many bytes the socket took, or an error that ends it. */
static ssize_t send_msg(struct ktcp_conn *conn, const struct kvec *vec,
			unsigned int nr, size_t bytes, int flags)
{
	struct msghdr msg = {
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | flags,
	};
	ssize_t sent;

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, vec, nr, bytes);
	WRITE_ONCE(conn->starved, false);
	conn->sending = true;
	sent = tcp_sendmsg_locked(conn->sk, &msg, bytes);
	conn->sending = false;

	if (sent == -EAGAIN || sent == -ENOMEM || sent == -ENOBUFS)
		sent = 0;
	if (sent > 0)
		this_cpu_add(conn->srv->traffic->bytes_out, sent);
	if (sent >= 0 && sent < bytes)
		send_blocked(conn);
	return sent;
}

/* Keeps what the socket did not take: the stack and the input will be gone. */
static int send_keep(struct ktcp_io *io, size_t sent)
{
	size_t left = io->bytes - sent;
	struct ktcp_tail *tail;
	unsigned int i;
	u8 *to;

	tail = kmalloc(struct_size(tail, data, left), GFP_KERNEL);
	if (!tail)
		return -ENOMEM;
	tail->off = 0;
	tail->len = left;

	to = tail->data;
	for (i = 0; i < io->nr; i++) {
		const struct kvec *vec = &io->vec[i];
		size_t skip = min(sent, vec->iov_len);

		memcpy(to, vec->iov_base + skip, vec->iov_len - skip);
		to += vec->iov_len - skip;
		sent -= skip;
	}
	io->conn->tail = tail;
	/* Who has run out of time has what is left of it. */
	if (!io->conn->timed_out)
		ktcp_conn_blocked(io->conn);
	return 0;
}

/* Sends what the callbacks have queued. */
int ktcp_send_flush(struct ktcp_io *io)
{
	struct ktcp_conn *conn = io->conn;
	ssize_t sent;
	int flags = 0;

	if (!io->nr)
		return 0;

	/* The last bytes wait for our FIN, to leave in the same packet. */
	if (conn->closing && !conn->more)
		flags = MSG_MORE;
	sent = send_msg(conn, io->vec, io->nr, io->bytes, flags);
	if (sent < 0)
		return sent;
	if (sent < io->bytes) {
		int err = send_keep(io, sent);

		if (err)
			return err;
	}
	io->nr = 0;
	io->bytes = 0;
	io->copy_len = 0;
	return 0;
}

/* Sends what is left of earlier output. */
int ktcp_send_tail(struct ktcp_conn *conn)
{
	struct ktcp_tail *tail = conn->tail;
	struct kvec vec = {
		.iov_base = tail->data + tail->off,
		.iov_len = tail->len - tail->off,
	};
	ssize_t sent;

	sent = send_msg(conn, &vec, 1, vec.iov_len, 0);
	if (sent < 0)
		return sent;
	tail->off += sent;
	if (tail->off == tail->len) {
		conn->tail = NULL;
		kfree(tail);
		ktcp_conn_unblocked(conn);
	} else if (sent) {
		/* The peer reads, however slowly. */
		ktcp_conn_blocked(conn);
	}
	return 0;
}
