// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The protocol: reads requests, and answers them in order.
 *
 * Without WWWROOT every answer is at hand and is queued at once, any number of
 * them in one go. With it, rx only notes what is wanted; files are opened and
 * read in tx, where nothing is locked.
 */

#include <linux/slab.h>

#include "khttpd.h"

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

static struct khttpd_conn *to_conn(struct ktcp_io *io)
{
	return ktcp_conn_priv(ktcp_io_conn(io));
}

/* Queues an answer to the request that was just read. */
static void answer(struct ktcp_io *io, struct khttpd_conn *conn,
		   unsigned int status, bool keep_alive)
{
	khttpd_send(io, status, conn->req.method == HTTP_HEAD, keep_alive);
	if (!keep_alive)
		ktcp_io_close(io);
}

/* Why a method is refused, or 0. */
static unsigned int refused(const struct http_request *req)
{
	switch (req->method) {
	case HTTP_GET:
	case HTTP_HEAD:
		return 0;
	case HTTP_KNOWN:
		return 405;
	default:
		return 501;
	}
}

/* The request is complete. */
static void serve(struct ktcp_io *io, struct khttpd_conn *conn)
{
	struct http_request *req = &conn->req;
	unsigned int status = refused(req);

	if (status) {
		answer(io, conn, status, req->keep_alive);
	} else if (khttpd_root_set()) {
		status = khttpd_reply_new(conn);
		if (status)
			answer(io, conn, status, req->keep_alive);
		else
			ktcp_io_more(io);
	} else if (req->method == HTTP_GET && req->keep_alive) {
		khttpd_hello(io);
	} else {
		answer(io, conn, 200, req->keep_alive);
	}
	http_reset(req);
}

/* Acts on what the parser has found. Returns whether to read on. */
static bool act(struct ktcp_io *io, struct khttpd_conn *conn,
		enum http_event event)
{
	unsigned int status;

	switch (event) {
	case HTTP_MORE:
		return true;
	case HTTP_CONTINUE:
		status = refused(&conn->req);
		if (!status) {
			ktcp_io_send(io, go_on, sizeof(go_on) - 1);
			return true;
		}
		/* Nobody knows whether the body will come: no next request. */
		answer(io, conn, status, false);
		return false;
	case HTTP_DONE:
		if (!conn->req.keep_alive) {
			serve(io, conn);
			return false;
		}
		serve(io, conn);
		return !conn->reply;
	case HTTP_BAD:
		answer(io, conn, conn->req.status, false);
		return false;
	}
	return false;
}

static int http_rx(struct ktcp_io *io, const u8 *data, size_t len)
{
	struct khttpd_conn *conn = to_conn(io);
	enum http_event event = HTTP_MORE;
	bool answered = false, go = true;
	size_t done = 0;

	/* Each step queues one piece of output at most. */
	while (go && done < len && !ktcp_io_full(io)) {
		done += http_feed(&conn->req, data + done, len - done, &event);
		if (event == HTTP_DONE)
			answered = true;
		go = act(io, conn, event);
	}

	/* A request has its time from its first byte to its last. */
	if (http_started(&conn->req)) {
		if (answered || !conn->hurry)
			ktcp_conn_touch(ktcp_io_conn(io));
		conn->hurry = true;
	} else if (answered) {
		ktcp_conn_expire(ktcp_io_conn(io), khttpd_keepalive_ms());
		conn->hurry = false;
	}
	return done;
}

/* Produces the next part of an answer. */
static int http_tx(struct ktcp_io *io)
{
	struct khttpd_conn *conn = to_conn(io);
	int ret = khttpd_reply_run(io, conn->reply);

	if (ret) {
		/* All that was queued before is out: the peer reads. */
		ktcp_conn_touch(ktcp_io_conn(io));
		return ret;
	}
	if (khttpd_reply_keeps(conn->reply))
		ktcp_conn_expire(ktcp_io_conn(io), khttpd_keepalive_ms());
	else
		ktcp_io_close(io);
	khttpd_reply_free(conn->reply);
	conn->reply = NULL;
	return 0;
}

/* A client that has begun a request is told; one that pauses just goes. */
static void http_timeout(struct ktcp_io *io)
{
	struct khttpd_conn *conn = to_conn(io);

	if (http_started(&conn->req))
		answer(io, conn, 408, false);
}

static void http_closed(struct ktcp_conn *kconn)
{
	struct khttpd_conn *conn = ktcp_conn_priv(kconn);

	http_reset(&conn->req);
	khttpd_reply_free(conn->reply);
}

const struct ktcp_proto khttpd_proto = {
	.name = KBUILD_MODNAME,
	.priv_size = sizeof(struct khttpd_conn),
	.rx = http_rx,
	.tx = http_tx,
	.timeout = http_timeout,
	.closed = http_closed,
};
