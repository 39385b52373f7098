// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Answers that never change: written once, and sent by reference. */

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "khttpd.h"

/* Of the answer that is asked for most: so many behind each other. */
#define HELLOS 64

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
static char texts[ARRAY_SIZE(kinds)][2][256];
static struct khttpd_answer answers[ARRAY_SIZE(kinds)];
static char hellos[HELLOS * sizeof(texts[0][0])];
static size_t hello_len;

static void write_answer(int i, int keep)
{
	struct khttpd_answer *answer = &answers[i];
	char *to = texts[i][keep];

	answer->text[keep] = to;
	answer->head[keep] = scnprintf(to, sizeof(texts[i][keep]),
				       "HTTP/1.1 %u %s\r\n"
				       "Server: khttpd\r\n"
				       "%s"
				       "Content-Type: text/plain\r\n"
				       "Content-Length: %zu\r\n"
				       "Connection: %s\r\n"
				       "\r\n",
				       kinds[i].status, kinds[i].reason,
				       kinds[i].fields, strlen(kinds[i].body),
				       keep ? "keep-alive" : "close");
	answer->len[keep] =
		answer->head[keep] +
		scnprintf(to + answer->head[keep],
			  sizeof(texts[i][keep]) - answer->head[keep], "%s",
			  kinds[i].body);
}

void khttpd_answers_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		write_answer(i, 0);
		write_answer(i, 1);
	}
	hello_len = answers[0].len[1];
	for (i = 0; i < HELLOS; i++)
		memcpy(hellos + i * hello_len, answers[0].text[1], hello_len);
}

/* The answer with a status; a status that has none is a bug, and a 500. */
const struct khttpd_answer *khttpd_answer(unsigned int status)
{
	const struct khttpd_answer *last = NULL;
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

/* Queues an answer, without its body if @head. */
bool khttpd_send(struct ktcp_io *io, unsigned int status, bool head,
		 bool keep_alive)
{
	const struct khttpd_answer *answer = khttpd_answer(status);

	return ktcp_io_send(io, answer->text[keep_alive],
			    head ? answer->head[keep_alive] :
				   answer->len[keep_alive]);
}

/*
 * Queues the usual answer to GET. One that follows another lies behind it in
 * memory, so that the core needs one vector for any number of them.
 */
bool khttpd_hello(struct ktcp_io *io, u8 *next)
{
	if (!ktcp_io_send(io, hellos + *next * hello_len, hello_len))
		return false;
	*next = (*next + 1) % HELLOS;
	return true;
}
