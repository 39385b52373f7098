// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The header fields that matter to us. */

#include <linux/string.h>

#include "parser.h"

static bool is_space(u8 c)
{
	return c == ' ' || c == '\t';
}

/* Does the value equal @word, which is in lower case, in any case? */
static bool is_word(const u8 *buf, struct http_text value, const char *word)
{
	return value.len == strlen(word) &&
	       http_same(buf + value.off, word, value.len);
}

static struct http_text trim(const u8 *buf, size_t from, size_t to)
{
	while (from < to && is_space(buf[from]))
		from++;
	while (from < to && is_space(buf[to - 1]))
		to--;
	return (struct http_text){ .off = from, .len = to - from };
}

static enum http_event host(struct http_request *req, const u8 *buf,
			    struct http_text value)
{
	size_t i;

	if (req->seen & HTTP_SEEN_HOST)
		return http_bad(req, 400);
	req->seen |= HTTP_SEEN_HOST;
	for (i = 0; i < value.len; i++)
		if (!http_class(buf[value.off + i], HTTP_HOST))
			return http_bad(req, 400);
	return HTTP_MORE;
}

/* A list of options, of which two are for us. */
static enum http_event connection(struct http_request *req, const u8 *buf,
				  struct http_text value)
{
	size_t from = value.off, end = value.off + value.len, to;

	for (; from <= end; from = to + 1) {
		struct http_text option;

		for (to = from; to < end && buf[to] != ','; to++)
			;
		option = trim(buf, from, to);
		if (is_word(buf, option, "close"))
			req->seen |= HTTP_SEEN_CLOSE;
		else if (is_word(buf, option, "keep-alive"))
			req->seen |= HTTP_SEEN_KEEP_ALIVE;
	}
	return HTTP_MORE;
}

static enum http_event content_length(struct http_request *req, const u8 *buf,
				      struct http_text value)
{
	size_t i;

	/* Also a second one that says the same: somebody has meddled. */
	if ((req->seen & HTTP_SEEN_LENGTH) || !value.len)
		return http_bad(req, 400);
	req->seen |= HTTP_SEEN_LENGTH;
	for (i = 0; i < value.len; i++) {
		u8 c = buf[value.off + i];

		if (c < '0' || c > '9')
			return http_bad(req, 400);
		/* Beyond the limit it may be anything beyond the limit. */
		if (req->left <= HTTP_BODY_MAX)
			req->left = req->left * 10 + (c - '0');
	}
	return HTTP_MORE;
}

/* Chunked must come last: otherwise nobody knows where the body ends. */
static enum http_event transfer_encoding(struct http_request *req,
					 const u8 *buf, struct http_text value)
{
	size_t end = value.off + value.len, last;
	struct http_text coding;

	if (req->seen & HTTP_SEEN_CHUNKED)
		return http_bad(req, 400);
	req->seen |= HTTP_SEEN_CHUNKED;
	if (is_word(buf, value, "chunked"))
		return HTTP_MORE;

	for (last = end; last > value.off && buf[last - 1] != ','; last--)
		;
	coding = trim(buf, last, end);
	return http_bad(req, is_word(buf, coding, "chunked") ? 501 : 400);
}

static enum http_event expect(struct http_request *req, const u8 *buf,
			      struct http_text value)
{
	static const char what[] = "100-continue";
	size_t i;

	if (value.len != sizeof(what) - 1)
		return http_bad(req, 417);
	for (i = 0; i < value.len; i++) {
		u8 c = buf[value.off + i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != (u8)what[i])
			return http_bad(req, 417);
	}
	req->seen |= HTTP_SEEN_EXPECT;
	return HTTP_MORE;
}

/* What a condition on tags is, which is @some, and @any where it is "*". */
static u8 tags(const u8 *buf, struct http_text value, u8 some, u8 any)
{
	return is_word(buf, value, "*") ? some | any : some;
}

/* name: value, nothing between the name and the colon. */
enum http_event http_field(struct http_request *req, const u8 *buf, size_t len)
{
	const u8 *name = buf + req->line;
	size_t i = req->line, size;
	struct http_text value;

	while (i < len && http_class(buf[i], HTTP_TOKEN))
		i++;
	size = i - req->line;
	/* Also refuses a line that continues another, which begins with space. */
	if (!size || i == len || buf[i] != ':')
		return http_bad(req, 400);
	value = trim(buf, i + 1, len);

	switch (size) {
	case 4:
		if (http_same(name, "host", 4))
			return host(req, buf, value);
		break;
	case 5:
		if (http_same(name, "range", 5))
			req->range = value;
		break;
	case 6:
		if (http_same(name, "expect", 6))
			return expect(req, buf, value);
		break;
	case 8:
		if (http_same(name, "if-range", 8))
			req->if_range = value;
		else if (http_same(name, "if-match", 8))
			req->conditions |= tags(buf, value, HTTP_IF_MATCH,
						HTTP_IF_MATCH_ANY);
		break;
	case 10:
		if (http_same(name, "connection", 10))
			return connection(req, buf, value);
		break;
	case 13:
		if (http_same(name, "if-none-match", 13))
			req->conditions |= tags(buf, value, HTTP_IF_NONE_MATCH,
						HTTP_IF_NONE_MATCH_ANY);
		break;
	case 14:
		if (http_same(name, "content-length", 14))
			return content_length(req, buf, value);
		break;
	case 17:
		if (http_same(name, "transfer-encoding", 17))
			return transfer_encoding(req, buf, value);
		if (http_same(name, "if-modified-since", 17))
			req->if_modified_since = value;
		break;
	case 19:
		if (http_same(name, "if-unmodified-since", 19))
			req->if_unmodified_since = value;
		break;
	}
	return HTTP_MORE;
}
