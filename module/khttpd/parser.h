/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * HTTP/1.x requests, RFC 9112. Knows nothing of sockets: this and the files
 * that include it are compiled in user space too, and fuzzed there (fuzz/).
 *
 * A request that arrives in one piece is parsed where it lies and not copied.
 * One that comes in several is gathered in memory that grows with it and is
 * gone when the request is. Where it was split makes no difference.
 */
#ifndef KHTTPD_PARSER_H
#define KHTTPD_PARSER_H

#include <linux/types.h>

/* Bytes that the request line and the header fields may have together, */
#define HTTP_HEAD_MAX 8192
/* that the request target may have, */
#define HTTP_TARGET_MAX 4000
/* and that a body may have, which is read and ignored. */
#define HTTP_BODY_MAX (1024 * 1024)

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_KNOWN, /* one that others have, */
	HTTP_UNKNOWN, /* and one that we have never heard of */
};

enum http_event {
	HTTP_MORE, /* all is taken, and the request is not at its end */
	HTTP_CONTINUE, /* the client waits for leave to send the body */
	HTTP_DONE, /* the request is complete: answer, then http_reset() */
	HTTP_BAD, /* it makes no sense: answer with status, and close */
};

/* A part of the head. */
struct http_text {
	u16 off;
	u16 len;
};

/* What tags a condition names. We have none: only "*" means what there is. */
#define HTTP_IF_MATCH 0x01 /* there is an If-Match, */
#define HTTP_IF_MATCH_ANY 0x02 /* and it is "*" */
#define HTTP_IF_NONE_MATCH 0x04
#define HTTP_IF_NONE_MATCH_ANY 0x08

/**
 * struct http_request - a request, and how far it has been read
 * @head: where the head lies; valid from HTTP_DONE on until the call of
 *	http_feed() returns to the caller's caller, or http_reset()
 * @target: path and query as the client wrote them, without scheme and
 *	authority
 * @if_modified_since: and the other fields: their values, empty if absent
 * @status: of HTTP_BAD
 * @minor: of the version, HTTP/1.@minor
 * @keep_alive: the client wants to go on after this request
 * @conditions: HTTP_IF_...: fields with tags, and so dates that do not count
 *
 * All zero is the state before the first byte.
 */
struct http_request {
	const u8 *head;
	struct http_text target;
	struct http_text if_modified_since;
	struct http_text if_unmodified_since;
	struct http_text if_range;
	struct http_text range;
	u16 status;
	u8 method; /* enum http_method */
	u8 minor;
	bool keep_alive;
	u8 conditions;

	/* From here on the parser's own. */
	u8 stage;
	u8 seen; /* fields that must not come twice, or count together */
	u16 pos; /* bytes of the head that have been looked at */
	u16 line; /* where the line begins that they end in */
	u16 gathered; /* bytes in copy */
	u16 room; /* and how many it can hold */
	u16 framing; /* bytes of chunk extensions and trailers */
	u8 digits; /* of the chunk's size */
	u32 body; /* bytes of it so far; HTTP_BODY_MAX at most */
	u8 *copy;
	u64 left; /* bytes of the body, or of the chunk */
};

size_t http_feed(struct http_request *req, const u8 *data, size_t len,
		 enum http_event *event);
void http_reset(struct http_request *req);

/* Has a part of the request come? */
static inline bool http_started(const struct http_request *req)
{
	return req->gathered;
}

/* What the parser's own files share. */

enum http_stage {
	HTTP_STAGE_HEAD,
	HTTP_STAGE_BODY, /* of known length */
	HTTP_STAGE_CHUNK, /* first digit of a chunk's size */
	HTTP_STAGE_SIZE, /* further ones */
	HTTP_STAGE_SPACE, /* after them, before an extension */
	HTTP_STAGE_EXTENSION,
	HTTP_STAGE_SIZE_LF,
	HTTP_STAGE_DATA,
	HTTP_STAGE_DATA_CR,
	HTTP_STAGE_DATA_LF,
	HTTP_STAGE_TRAILER, /* first byte of a line after the last chunk */
	HTTP_STAGE_TRAILER_LINE,
	HTTP_STAGE_TRAILER_LF,
	HTTP_STAGE_LAST_LF,
};

enum http_seen {
	HTTP_SEEN_LINE = 1 << 0, /* the request line */
	HTTP_SEEN_HOST = 1 << 1,
	HTTP_SEEN_LENGTH = 1 << 2,
	HTTP_SEEN_CHUNKED = 1 << 3,
	HTTP_SEEN_CLOSE = 1 << 4,
	HTTP_SEEN_KEEP_ALIVE = 1 << 5,
	HTTP_SEEN_EXPECT = 1 << 6,
};

/* Classes of bytes, see http_class(). */
#define HTTP_TOKEN 1 /* may be in a method or the name of a field */
#define HTTP_TARGET 2 /* in a request target */
#define HTTP_HOST 4 /* in an authority */

extern const u8 http_classes[256];

static inline bool http_class(u8 c, u8 class)
{
	return http_classes[c] & class;
}

/* Does @text equal @name, which is in lower case, in any case? */
static inline bool http_same(const u8 *text, const char *name, size_t len)
{
	size_t i;

	/* Letters and '-' only: nothing else becomes one of them. */
	for (i = 0; i < len; i++)
		if ((text[i] | 0x20) != (u8)name[i])
			return false;
	return true;
}

/* The value of a hexadecimal digit, or a negative number. */
static inline int http_hex(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline enum http_event http_bad(struct http_request *req, u16 status)
{
	req->status = status;
	return HTTP_BAD;
}

enum http_event http_head(struct http_request *req, const u8 *buf, size_t len);
enum http_event http_line(struct http_request *req, const u8 *buf, size_t len);
enum http_event http_field(struct http_request *req, const u8 *buf, size_t len);
size_t http_body(struct http_request *req, const u8 *data, size_t len,
		 enum http_event *event);

#endif
