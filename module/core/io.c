// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A connection's work: reads, lets the protocol answer, writes, and says good
 * bye. It never waits for the peer: when the socket has nothing to read or no
 * room to write it returns, and the callbacks in conn.c queue it again.
 *
 * The socket's own queues are the only buffers: what an idle connection costs
 * beside its socket is struct ktcp_conn.
 */

#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "io.h"

/* Turns in one run of the work before others get theirs. */
#define IO_TURNS 16

/*
 * How long a peer may acknowledge nothing at all of what is before our FIN, in
 * milliseconds, where connections have no other limit.
 */
#define IO_STALLED_MS 60000

/* What to do after a turn. */
enum io_next {
	IO_AGAIN, /* there is more to do */
	IO_WAIT, /* a callback or the sweep queues us when there is */
	IO_PRODUCE, /* ask the protocol's tx, without the socket lock */
	IO_RELEASE, /* the connection is over */
};

/**
 * ktcp_io_conn - the connection that a callback is about
 * @io: as given to the callback
 *
 * Return: the connection.
 */
struct ktcp_conn *ktcp_io_conn(struct ktcp_io *io)
{
	return io->conn;
}

/**
 * ktcp_io_more - call the protocol's tx when all output so far is out
 * @io: as given to the callback
 *
 * Nothing is read until tx says that it has finished.
 */
void ktcp_io_more(struct ktcp_io *io)
{
	io->conn->more = true;
}

/**
 * ktcp_io_close - read no more, and close when all output is out
 * @io: as given to the callback
 */
void ktcp_io_close(struct ktcp_io *io)
{
	io->conn->closing = true;
}

/* Gives the connection @ms from now. */
static void io_set_deadline(struct ktcp_conn *conn, unsigned int ms)
{
	struct ktcp_server *srv = conn->srv;

	WRITE_ONCE(conn->deadline, ktcp_conn_deadline(ms));
	WRITE_ONCE(conn->expired, false);
	spin_lock(&srv->lock);
	ktcp_sweep_arm(srv, conn->deadline);
	spin_unlock(&srv->lock);
}

/*
 * Is the time over? The sweep may have looked at the deadline just before it
 * was moved, and has then not planned for the new one.
 */
static bool io_expired(struct ktcp_conn *conn)
{
	struct ktcp_server *srv = conn->srv;

	if (!READ_ONCE(conn->expired))
		return false;
	if (time_after_eq(jiffies, conn->deadline))
		return true;

	WRITE_ONCE(conn->expired, false);
	spin_lock(&srv->lock);
	ktcp_sweep_arm(srv, conn->deadline);
	spin_unlock(&srv->lock);
	return false;
}

/* No good bye: the peer gets a reset, if it is still there. */
static enum io_next io_abort(struct ktcp_conn *conn)
{
	conn->aborted = true;
	return IO_RELEASE;
}

/*
 * Linger_ms are over, and our FIN is not acknowledged: what is before it is
 * still on its way, or the peer does not read. It may do so as slowly as it
 * likes, but not stand still for longer than a connection may be silent. So
 * what a peer can hold is one send buffer, and for how long is the number of
 * pieces that it takes it in, times that; where the server stops, stop_ms.
 */
static bool io_stalled(struct ktcp_conn *conn)
{
	const struct ktcp_config *cfg = &conn->srv->cfg;
	u32 acked = tcp_sk(conn->sk)->snd_una;
	unsigned int ms = cfg->linger_ms;

	if (acked != conn->acked) {
		conn->acked = acked;
		conn->acked_at = jiffies;
	} else {
		/* Who ran out of time has had that much already. */
		if (!conn->timed_out)
			ms = max(ms, cfg->timeout_ms ?: IO_STALLED_MS);
		if ((u32)jiffies - conn->acked_at >= msecs_to_jiffies(ms))
			return true;
	}
	io_set_deadline(conn, cfg->linger_ms);
	return false;
}

/*
 * Our FIN is out. What still comes in is thrown away, because closing a socket
 * with unread bytes sends a reset, which can overtake our answer in the peer.
 * The end is TCP_CLOSE, when both sides have said good bye.
 */
static enum io_next io_linger(struct ktcp_conn *conn)
{
	struct sock *sk = conn->sk;
	bool expired = io_expired(conn);

	ktcp_recv_discard(sk);
	switch (sk->sk_state) {
	case TCP_CLOSE:
		return IO_RELEASE;
	case TCP_FIN_WAIT2:
		/* The peer has all that we sent, and may keep its end open, */
		if (!expired && !READ_ONCE(conn->srv->stopping))
			return IO_WAIT;
		/* as a timewait socket, unless tcp_close() needs a timer. */
		return tcp_fin_time(sk) <= TCP_TIMEWAIT_LEN ? IO_RELEASE :
							      io_abort(conn);
	default:
		return expired && io_stalled(conn) ? io_abort(conn) : IO_WAIT;
	}
}

/* All output is in the send queue: FIN follows it. */
static enum io_next io_shutdown(struct ktcp_conn *conn)
{
	struct sock *sk = conn->sk;
	u32 write_seq = tcp_sk(sk)->write_seq;
	int state = sk->sk_state;

	/* As kernel_sock_shutdown() does, which takes the lock that we hold. */
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	sk->sk_prot->shutdown(sk, SEND_SHUTDOWN);

	/*
	 * A FIN takes a sequence number. If none was taken, and the state is
	 * another all the same, tcp_send_fin() had no memory, which it tells
	 * nobody: TCP would believe it sent, and the peer wait for ever. From
	 * the state before, the peer is reset. Where the state has stayed, the
	 * handshake of a fast open is not over: TCP shuts down when it is.
	 */
	if (tcp_sk(sk)->write_seq == write_seq && sk->sk_state != state) {
		tcp_set_state(sk, state);
		return io_abort(conn);
	}

	conn->stage = KTCP_STAGE_LINGER;
	conn->acked = tcp_sk(sk)->snd_una;
	conn->acked_at = jiffies;
	io_set_deadline(conn, conn->srv->cfg.linger_ms);
	return io_linger(conn);
}

/* The time is over before the protocol was. */
static enum io_next io_expire(struct ktcp_io *io)
{
	struct ktcp_conn *conn = io->conn;

	conn->timed_out = true;
	/* A peer that does not read cannot be told anything. */
	if (conn->closing || conn->tail || conn->more ||
	    !sk_stream_memory_free(conn->sk))
		return io_abort(conn);

	if (ktcp_proto->timeout)
		ktcp_proto->timeout(io);
	conn->closing = true;
	io_set_deadline(conn, conn->srv->cfg.linger_ms);
	return ktcp_send_flush(io) ? io_abort(conn) : IO_AGAIN;
}

/* Reads and answers. Returns whether it got anywhere, or an error. */
static int io_serve(struct ktcp_io *io)
{
	struct sock *sk = io->conn->sk;
	bool progress;
	int read, err;

	/*
	 * A peer that sends without reading is not read either: the window that
	 * we advertise closes, and the rest is its problem.
	 */
	if (!sk_stream_memory_free(sk)) {
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		return 0;
	}

	read = ktcp_recv_serve(sk, io);
	if (read < 0)
		return read;
	progress = read > 0 || io->nr;
	err = ktcp_send_flush(io);
	return err ? err : progress;
}

/*
 * One turn, under the socket lock. Whatever happens to the socket meanwhile is
 * in its backlog, and is told to the callbacks when the lock is released.
 */
static enum io_next io_turn(struct ktcp_io *io)
{
	struct ktcp_conn *conn = io->conn;
	struct sock *sk = conn->sk;
	bool stopping;
	int ret;

	if (sk->sk_state == TCP_CLOSE)
		return conn->stage == KTCP_STAGE_LINGER && !sk->sk_err ?
			       IO_RELEASE :
			       io_abort(conn);
	if (READ_ONCE(conn->srv->aborting))
		return io_abort(conn);
	if (conn->stage == KTCP_STAGE_LINGER)
		return io_linger(conn);
	if (io_expired(conn))
		return io_expire(io);

	ret = ktcp_send_flush(io);
	if (!ret && conn->tail)
		ret = ktcp_send_tail(conn);
	if (ret)
		return io_abort(conn);
	if (conn->tail)
		return IO_WAIT;
	if (conn->more)
		return IO_PRODUCE;

	if (!conn->closing) {
		/* First read: a request that came before stop is served. */
		stopping = READ_ONCE(conn->srv->stopping);
		ret = io_serve(io);
		if (ret < 0)
			return io_abort(conn);
		if (stopping || ((sk->sk_shutdown & RCV_SHUTDOWN) &&
				 tcp_inq(sk) <= 0 && !conn->more))
			conn->closing = true;
		if (conn->tail)
			return IO_WAIT;
		if (conn->more)
			return IO_PRODUCE;
		if (!conn->closing)
			return ret && tcp_inq(sk) > 0 ? IO_AGAIN : IO_WAIT;
	}
	return io_shutdown(conn);
}

/* Asks for more output, which may take its time: the socket is not locked. */
static enum io_next io_produce(struct ktcp_io *io)
{
	struct ktcp_conn *conn = io->conn;
	int ret = ktcp_proto->tx(io);

	if (ret < 0)
		return io_abort(conn);
	conn->more = ret > 0;
	return IO_AGAIN;
}

void ktcp_io_work(struct work_struct *work)
{
	struct ktcp_conn *conn = container_of(work, struct ktcp_conn, work);
	enum io_next next;
	struct ktcp_io io;
	int turns = 0;

	if (conn->stage == KTCP_STAGE_NEW) {
		ktcp_conn_hook(conn);
		conn->stage = KTCP_STAGE_OPEN;
	}

	io.conn = conn;
	ktcp_send_init(&io);
	do {
		lock_sock(conn->sk);
		next = io_turn(&io);
		release_sock(conn->sk);

		/*
		 * A turn leaves nothing queued, so this is where to stop: what
		 * tx queues below needs another one.
		 */
		if (++turns == IO_TURNS)
			break;
		if (next == IO_PRODUCE)
			next = io_produce(&io);
	} while (next == IO_AGAIN);
	ktcp_send_uninit(&io);

	switch (next) {
	case IO_AGAIN:
	case IO_PRODUCE:
		ktcp_conn_kick(conn);
		break;
	case IO_RELEASE:
		ktcp_conn_release(conn);
		break;
	case IO_WAIT:
		break;
	}
}
