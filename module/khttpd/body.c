// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The body of a request, which nobody wants: its end is looked for. Where a
 * length decides what the next request is, only CRLF ends a line.
 */

#include "parser.h"

/* Enough for any size that is not refused, with zeros in front. */
#define DIGITS_MAX 16

/* One byte that is not data. Returns 0, or the status of what is wrong. */
static u16 framing_byte(struct http_request *req, u8 c)
{
	int digit;

	switch (req->stage) {
	case HTTP_STAGE_CHUNK:
		req->left = 0;
		req->digits = 0;
		req->stage = HTTP_STAGE_SIZE;
		if (http_hex(c) < 0)
			return 400;
		fallthrough;
	case HTTP_STAGE_SIZE:
		digit = http_hex(c);
		if (digit >= 0) {
			if (++req->digits > DIGITS_MAX)
				return 400;
			req->left = req->left << 4 | digit;
			return 0;
		}
		if (c == '\r') {
			req->stage = HTTP_STAGE_SIZE_LF;
			return 0;
		}
		fallthrough;
	case HTTP_STAGE_SPACE:
		if (c == ';')
			req->stage = HTTP_STAGE_EXTENSION;
		else if (c == ' ' || c == '\t')
			req->stage = HTTP_STAGE_SPACE;
		else
			return 400;
		break;
	case HTTP_STAGE_EXTENSION:
		if (c == '\r')
			req->stage = HTTP_STAGE_SIZE_LF;
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			return 400;
		break;
	case HTTP_STAGE_SIZE_LF:
		if (c != '\n')
			return 400;
		if (req->left > HTTP_BODY_MAX - req->body)
			return 413;
		req->stage = req->left ? HTTP_STAGE_DATA : HTTP_STAGE_TRAILER;
		return 0;
	case HTTP_STAGE_DATA_CR:
		req->stage = HTTP_STAGE_DATA_LF;
		return c == '\r' ? 0 : 400;
	case HTTP_STAGE_DATA_LF:
		req->stage = HTTP_STAGE_CHUNK;
		return c == '\n' ? 0 : 400;
	case HTTP_STAGE_TRAILER:
		if (c == '\r') {
			req->stage = HTTP_STAGE_LAST_LF;
			return 0;
		}
		/* A field begins with its name. */
		if (!http_class(c, HTTP_TOKEN))
			return 400;
		req->stage = HTTP_STAGE_TRAILER_LINE;
		break;
	case HTTP_STAGE_TRAILER_LINE:
		if (c == '\r')
			req->stage = HTTP_STAGE_TRAILER_LF;
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			return 400;
		break;
	case HTTP_STAGE_TRAILER_LF:
		if (c != '\n')
			return 400;
		req->stage = HTTP_STAGE_TRAILER;
		break;
	default:
		return 400;
	}
	/* What is skipped has its limit too. */
	return ++req->framing > HTTP_HEAD_MAX ? 431 : 0;
}

/*
 * Reads on in the body. Returns how much of @data belongs to it: all of it
 * unless @event says HTTP_DONE.
 */
size_t http_body(struct http_request *req, const u8 *data, size_t len,
		 enum http_event *event)
{
	size_t i = 0;
	u16 status;

	*event = HTTP_MORE;
	while (i < len) {
		if (req->stage == HTTP_STAGE_BODY ||
		    req->stage == HTTP_STAGE_DATA) {
			size_t n = len - i < req->left ? len - i : req->left;

			i += n;
			req->body += n;
			req->left -= n;
			if (req->left)
				break;
			if (req->stage == HTTP_STAGE_BODY) {
				*event = HTTP_DONE;
				break;
			}
			req->stage = HTTP_STAGE_DATA_CR;
			continue;
		}
		if (req->stage == HTTP_STAGE_LAST_LF) {
			*event = data[i++] == '\n' ? HTTP_DONE :
						     http_bad(req, 400);
			break;
		}
		status = framing_byte(req, data[i++]);
		if (status) {
			*event = http_bad(req, status);
			break;
		}
	}
	return *event == HTTP_BAD ? len : i;
}
