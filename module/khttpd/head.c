// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The head of a request: its lines, and the first of them. */

#include <linux/kernel.h>
#include <linux/string.h>

#include "parser.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the first byte of a word is taken for its lowest"
#endif

#define T HTTP_TOKEN
#define U HTTP_TARGET
#define H HTTP_HOST

/* clang-format off */
const u8 http_classes[256] = {
	['!'] = T | U | H,
	['"'] = U,
	['#'] = T, /* no fragment in a target */
	['$'] = T | U | H, ['%'] = T | U | H, ['&'] = T | U | H,
	['\''] = T | U | H, ['('] = U | H, [')'] = U | H,
	['*'] = T | U | H, ['+'] = T | U | H, [','] = U | H,
	['-'] = T | U | H, ['.'] = T | U | H, ['/'] = U,
	['0' ... '9'] = T | U | H, [':'] = U | H, [';'] = U | H,
	['<'] = U, ['='] = U | H, ['>'] = U, ['?'] = U, ['@'] = U,
	['A' ... 'Z'] = T | U | H, ['['] = U | H, ['\\'] = U, [']'] = U | H,
	['^'] = T | U, ['_'] = T | U | H, ['`'] = T | U,
	['a' ... 'z'] = T | U | H, ['{'] = U, ['|'] = T | U, ['}'] = U,
	['~'] = T | U | H,
};

/* clang-format on */

#undef T
#undef U
#undef H

#define ONES (~0ULL / 255)

/*
 * The first control character from @i on, or @len. Eight bytes at a time: a
 * byte borrows from its neighbour only when it is one itself, so the lowest
 * that is marked is right.
 */
static size_t find_control(const u8 *buf, size_t i, size_t len)
{
	for (; i + 8 <= len; i += 8) {
		u64 word, del, found;

		memcpy(&word, buf + i, 8);
		del = word ^ (ONES * 0x7f);
		found = ((word - ONES * 0x20) & ~word) | ((del - ONES) & ~del);
		found &= ONES * 0x80;
		if (found)
			return i + __builtin_ctzll(found) / 8;
	}
	for (; i < len; i++)
		if (buf[i] < 0x20 || buf[i] == 0x7f)
			break;
	return i;
}

static enum http_method method(const u8 *text, size_t len)
{
	static const char *const known[] = {
		"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT",
	};
	size_t i;

	if (len == 3 && !memcmp(text, "GET", 3))
		return HTTP_GET;
	if (len == 4 && !memcmp(text, "HEAD", 4))
		return HTTP_HEAD;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (len == strlen(known[i]) && !memcmp(text, known[i], len))
			return HTTP_KNOWN;
	return HTTP_UNKNOWN;
}

/*
 * Skips scheme and authority of a target in absolute form. Returns where its
 * path begins, which may be the end, or 0 if it is in no form that we know.
 */
static size_t skip_authority(const u8 *text, size_t i, size_t end)
{
	size_t host;

	if (end - i > 7 && http_same(text + i, "http", 4) &&
	    !memcmp(text + i + 4, "://", 3))
		i += 7;
	else if (end - i > 8 && http_same(text + i, "https", 5) &&
		 !memcmp(text + i + 5, "://", 3))
		i += 8;
	else
		return 0;
	host = i;
	while (i < end && http_class(text[i], HTTP_HOST))
		i++;
	if (i == host || (i < end && text[i] != '/' && text[i] != '?'))
		return 0;
	return i;
}

/* GET /path?query HTTP/1.1, with one space each time. */
enum http_event http_line(struct http_request *req, const u8 *buf, size_t len)
{
	size_t i = req->line, start = i;
	const u8 *version;

	while (i < len && http_class(buf[i], HTTP_TOKEN))
		i++;
	if (i == start || i == len || buf[i] != ' ')
		return http_bad(req, 400);
	req->method = method(buf + start, i - start);

	start = ++i;
	while (i < len && http_class(buf[i], HTTP_TARGET))
		i++;
	if (i == start || i == len || buf[i] != ' ')
		return http_bad(req, 400);
	if (i - start > HTTP_TARGET_MAX)
		return http_bad(req, 414);

	version = buf + i + 1;
	if (len - i != 9 || memcmp(version, "HTTP/", 5) || version[6] != '.' ||
	    version[5] < '0' || version[5] > '9' || version[7] < '0' ||
	    version[7] > '9')
		return http_bad(req, 400);
	if (version[5] != '1')
		return http_bad(req, 505);
	req->minor = version[7] - '0';

	if (buf[start] != '/') {
		size_t path = skip_authority(buf, start, i);

		/* Of the server as a whole, or through it: neither is for us. */
		if (!path && req->method != HTTP_KNOWN)
			return http_bad(req, 400);
		start = path ? path : i;
	}
	req->target.off = start;
	req->target.len = i - start;
	req->seen |= HTTP_SEEN_LINE;
	return HTTP_MORE;
}

/* The empty line. What goes together, and what is to follow? */
static enum http_event head_end(struct http_request *req)
{
	u8 seen = req->seen;

	if (req->minor && !(seen & HTTP_SEEN_HOST))
		return http_bad(req, 400);
	/* Two lengths, or one that a proxy of that age did not understand. */
	if ((seen & HTTP_SEEN_CHUNKED) &&
	    ((seen & HTTP_SEEN_LENGTH) || !req->minor))
		return http_bad(req, 400);
	if (req->left > HTTP_BODY_MAX)
		return http_bad(req, 413);

	req->keep_alive = !(seen & HTTP_SEEN_CLOSE) &&
			  (req->minor || (seen & HTTP_SEEN_KEEP_ALIVE));
	if (seen & HTTP_SEEN_CHUNKED)
		req->stage = HTTP_STAGE_CHUNK;
	else if (req->left)
		req->stage = HTTP_STAGE_BODY;
	else
		return HTTP_DONE;
	return (seen & HTTP_SEEN_EXPECT) && req->minor ? HTTP_CONTINUE :
							 HTTP_DONE;
}

/*
 * Reads on from where it stopped. @buf begins with the head. Lines end with
 * CRLF or, for people who type, with LF. HTTP_DONE and HTTP_CONTINUE say that
 * the head is complete, req->stage what follows.
 */
enum http_event http_head(struct http_request *req, const u8 *buf, size_t len)
{
	enum http_event event;
	size_t i = req->pos;

	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;

	while ((i = find_control(buf, i, len)) < len) {
		size_t end = i;

		if (buf[i] == '\t') {
			i++;
			continue;
		}
		if (buf[i] == '\r') {
			if (i + 1 == len)
				break; /* looked at again with what follows */
			i++;
		}
		if (buf[i++] != '\n')
			return http_bad(req, 400);

		if (!(req->seen & HTTP_SEEN_LINE))
			event = http_line(req, buf, end);
		else if (end > req->line)
			event = http_field(req, buf, end);
		else
			event = head_end(req);
		req->line = i;
		if (event != HTTP_MORE) {
			req->pos = i;
			return event;
		}
	}
	req->pos = i;
	if (len == HTTP_HEAD_MAX)
		return http_bad(req, req->seen & HTTP_SEEN_LINE ? 431 : 414);
	return HTTP_MORE;
}
