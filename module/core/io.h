/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* One run of a connection's work: what reading, writing and turns share. */
#ifndef KTCP_IO_H
#define KTCP_IO_H

#include <linux/uio.h>

#include "internal.h"

/* Pieces of output in one sendmsg. */
#define KTCP_IO_VECS 16

/* Bytes of output after which a protocol that asks should wait. */
#define KTCP_IO_BYTES (16 * 1024)

/* Copied output: this much on the stack, and that much when it is not enough. */
#define KTCP_IO_COPY_SMALL KTCP_IO_PIECE
#define KTCP_IO_COPY_LARGE (16 * 1024)

/* Lives on the stack of the work. */
struct ktcp_io {
	struct ktcp_conn *conn;
	size_t bytes; /* queued in vec */
	unsigned int nr;
	int error; /* the protocol gave up */

	u8 *copy; /* where ktcp_io_copy() writes */
	size_t copy_len;
	size_t copy_size;
	u8 *large; /* allocated when the small one is not enough */

	struct kvec vec[KTCP_IO_VECS];
	u8 small[KTCP_IO_COPY_SMALL];
};

void ktcp_send_init(struct ktcp_io *io);
void ktcp_send_uninit(struct ktcp_io *io);
int ktcp_send_flush(struct ktcp_io *io);
int ktcp_send_tail(struct ktcp_conn *conn);

int ktcp_recv_serve(struct sock *sk, struct ktcp_io *io);
void ktcp_recv_discard(struct sock *sk);

#endif
