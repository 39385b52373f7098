// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Answers that change in nothing but their date: written once, and copied to
 * where the core sends them from, since the next second has another.
 */

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "clock.h"
#include "khttpd.h"
#include "text.h"

/* One answer, for each fate of the connection. */
struct answer {
	char text[2][KTCP_IO_PIECE]; /* then closed, then kept */
	u16 head[2]; /* bytes without the body, which HEAD does not get */
	u16 len[2];
	u16 date; /* where it stands in both */
};

static const struct {
	u16 status;
	const char *reason;
	const char *body;
	const char *fields;
} kinds[] = {
	{ 200, "OK", "Hello World!", "" },
	{ 400, "Bad Request", "Bad Request\n", "" },
	{ 403, "Forbidden", "Forbidden\n", "" },
	{ 404, "Not Found", "Not Found\n", "" },
	{ 405, "Method Not Allowed", "Method Not Allowed\n",
	  "Allow: GET, HEAD\r\n" },
	{ 408, "Request Timeout", "Request Timeout\n", "" },
	{ 412, "Precondition Failed", "Precondition Failed\n", "" },
	{ 413, "Content Too Large", "Content Too Large\n", "" },
	{ 414, "URI Too Long", "URI Too Long\n", "" },
	{ 417, "Expectation Failed", "Expectation Failed\n", "" },
	{ 431, "Request Header Fields Too Large",
	  "Request Header Fields Too Large\n", "" },
	{ 500, "Internal Server Error", "Internal Server Error\n", "" },
	{ 501, "Not Implemented", "Not Implemented\n", "" },
	{ 503, "Service Unavailable", "Service Unavailable\n", "" },
	{ 505, "HTTP Version Not Supported", "HTTP Version Not Supported\n",
	  "" },
};

/* Written by khttpd_answers_init(), then read only. */
static struct answer answers[ARRAY_SIZE(kinds)];

static void write_answer(int i, int keep)
{
	struct answer *answer = &answers[i];
	char *to = answer->text[keep];
	const size_t room = sizeof(answer->text[keep]);
	size_t n;

	n = scnprintf(to, room,
		      "HTTP/1.1 %u %s\r\n"
		      "Server: khttpd\r\n"
		      "Date: ",
		      kinds[i].status, kinds[i].reason);
	answer->date = n;
	n += scnprintf(to + n, room - n,
		       "%*s\r\n"
		       "%s"
		       "Content-Type: text/plain\r\n"
		       "Content-Length: %zu\r\n"
		       "Connection: %s\r\n"
		       "\r\n",
		       HTTP_DATE_LEN, "", kinds[i].fields,
		       strlen(kinds[i].body), keep ? "keep-alive" : "close");
	answer->head[keep] = n;
	n += scnprintf(to + n, room - n, "%s", kinds[i].body);
	answer->len[keep] = n;
}

void khttpd_answers_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		write_answer(i, 0);
		write_answer(i, 1);
	}
}

/* The answer with a status; a status that has none is a bug, and a 500. */
static const struct answer *answer_find(unsigned int status)
{
	const struct answer *last = NULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].status == status)
			return &answers[i];
		if (kinds[i].status == 500)
			last = &answers[i];
	}
	WARN_ONCE(1, "khttpd: no answer for status %u\n", status);
	return last;
}

/* The caller has seen that there is room. */
static void answer_queue(struct ktcp_io *io, const struct answer *answer,
			 bool keep_alive, size_t len)
{
	char *to = ktcp_io_piece(io, len);

	if (WARN_ON_ONCE(!to))
		return;
	memcpy(to, answer->text[keep_alive], len);
	http_clock_date(to + answer->date);
}

/* Queues an answer, without its body if @head. */
void khttpd_send(struct ktcp_io *io, unsigned int status, bool head,
		 bool keep_alive)
{
	const struct answer *answer = answer_find(status);

	answer_queue(io, answer, keep_alive,
		     head ? answer->head[keep_alive] : answer->len[keep_alive]);
}

/* Queues the usual answer to GET. */
void khttpd_hello(struct ktcp_io *io)
{
	answer_queue(io, &answers[0], true, answers[0].len[1]);
}
