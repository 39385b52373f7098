// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The protocol: wait for the end of a request's head, answer, close.
 *
 * Any request gets the same page, HEAD gets its header. Each connection serves
 * one request and says so with "Connection: close"; what the client sends
 * beyond the head, a body for instance, is read and ignored.
 */

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../khttpd/clock.h"
#include "kweb.h"

/* Bytes that a head may have. */
#define HEAD_MAX 8192

#define BODY "Hello from kweb\n"
#define BODY_LEN 16
static_assert(sizeof(BODY) - 1 == BODY_LEN);

/* clang-format off */
#define DATE "Date: "
#define HEADER(status, len)			\
	"HTTP/1.1 " status "\r\n"		\
	DATE "Thu, 01 Jan 1970 00:00:00 GMT\r\n"	\
	"Server: kweb\r\n"			\
	"Content-Type: text/plain\r\n"		\
	"Content-Length: " __stringify(len) "\r\n" \
	"Connection: close\r\n"			\
	"\r\n"
/* clang-format on */

static const char answer[] = HEADER("200 OK", BODY_LEN) BODY;
static const char bad_request[] = HEADER("400 Bad Request", 0);
static const char timed_out[] = HEADER("408 Request Timeout", 0);
static const char too_large[] =
	HEADER("431 Request Header Fields Too Large", 0);

/* The longest. */
static_assert(sizeof(too_large) - 1 <= KTCP_IO_PIECE);
static_assert(sizeof(answer) - 1 <= KTCP_IO_PIECE);

static const char head_method[] = "HEAD ";

/* How far a request has been read. Zero at accept. */
struct request {
	u16 len; /* bytes of the head so far */
	u8 method; /* how many of them agree with head_method */
	bool started; /* a line with something in it has begun */
	bool line; /* in the midst of a line */
	bool cr; /* the last byte was a CR */
};

enum verdict { MORE, COMPLETE, BAD, TOO_LARGE };

/*
 * Takes one byte. Lines end with CRLF or, for people who type, with LF. Empty
 * lines before the request are skipped, the first one after it is its end.
 */
static enum verdict request_byte(struct request *req, u8 c)
{
	if (++req->len > HEAD_MAX)
		return TOO_LARGE;

	if (c == '\n') {
		bool end = req->started && !req->line;

		req->line = false;
		req->cr = false;
		return end ? COMPLETE : MORE;
	}
	if (req->cr)
		return BAD;
	if (c == '\r') {
		req->cr = true;
		return MORE;
	}
	if ((c < ' ' && c != '\t') || c == 0x7f)
		return BAD;

	if (!req->started)
		req->len = 1;
	req->started = true;
	req->line = true;
	if (req->method == req->len - 1 &&
	    req->method < sizeof(head_method) - 1 &&
	    c == head_method[req->method])
		req->method++;
	return MORE;
}

/* Queues the one answer of a connection: there is room. */
static void say(struct ktcp_io *io, const char *text, size_t len)
{
	char *to = ktcp_io_piece(io, len);

	if (WARN_ON_ONCE(!to))
		return;
	memcpy(to, text, len);
	/* The first line's end is in every one. */
	http_clock_date(strchr(to, '\n') + sizeof(DATE));
}

static void reply(struct ktcp_io *io, const struct request *req,
		  enum verdict verdict)
{
	switch (verdict) {
	case COMPLETE:
		say(io, answer,
		    sizeof(answer) - 1 -
			    (req->method == sizeof(head_method) - 1 ? BODY_LEN :
								      0));
		break;
	case BAD:
		say(io, bad_request, sizeof(bad_request) - 1);
		break;
	case TOO_LARGE:
		say(io, too_large, sizeof(too_large) - 1);
		break;
	default:
		return;
	}
	ktcp_io_close(io);
}

/*
 * Does not touch the connection: its time runs from accept to the end of the
 * head, so that a client that sends a byte now and then is no exception.
 */
static int http_rx(struct ktcp_io *io, const u8 *data, size_t len)
{
	struct request *req = ktcp_conn_priv(ktcp_io_conn(io));
	enum verdict verdict = MORE;
	size_t i;

	for (i = 0; i < len && verdict == MORE; i++)
		verdict = request_byte(req, data[i]);
	reply(io, req, verdict);
	return i;
}

static void http_timeout(struct ktcp_io *io)
{
	struct request *req = ktcp_conn_priv(ktcp_io_conn(io));

	if (req->started)
		say(io, timed_out, sizeof(timed_out) - 1);
}

const struct ktcp_proto kweb_proto = {
	.name = KBUILD_MODNAME,
	.priv_size = sizeof(struct request),
	.rx = http_rx,
	.timeout = http_timeout,
};
