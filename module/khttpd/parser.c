// SPDX-License-Identifier: GPL-2.0 OR MIT
/* From pieces to requests. */

#include <linux/slab.h>
#include <linux/string.h>

#include "parser.h"

/* The least that is allocated for a head that comes in pieces. */
#define COPY_MIN 256

/* Adds a piece to the copy of the head, or as much of it as counts. */
static bool gather(struct http_request *req, const u8 *data, size_t len)
{
	size_t room = req->room ? req->room : COPY_MIN;
	size_t need = req->gathered + len;
	u8 *copy;

	if (need > HTTP_HEAD_MAX)
		need = HTTP_HEAD_MAX;
	len = need - req->gathered;
	if (need > req->room) {
		while (room < need)
			room *= 2;
		copy = krealloc(req->copy, room, GFP_KERNEL | __GFP_NOWARN);
		if (!copy)
			return false;
		req->copy = copy;
		req->room = room;
	}
	memcpy(req->copy + req->gathered, data, len);
	req->gathered += len;
	return true;
}

/* Empty lines before a request are no part of it. Returns what they take. */
static size_t skip_empty(struct http_request *req, const u8 *data, size_t len)
{
	size_t i = 0;

	if (req->gathered) {
		if (req->gathered > 1 || req->copy[0] != '\r' || *data != '\n')
			return 0;
		http_reset(req);
		i++;
	}
	while (i < len) {
		if (data[i] == '\n')
			i++;
		else if (data[i] == '\r' && i + 1 < len && data[i + 1] == '\n')
			i += 2;
		else
			break;
	}
	return i;
}

/* Returns how much of @data belongs to the head. */
static size_t feed_head(struct http_request *req, const u8 *data, size_t len,
			enum http_event *event)
{
	size_t before = req->gathered;

	if (!before) {
		req->head = data;
		*event = http_head(req, data, len);
		if (*event == HTTP_DONE && req->stage == HTTP_STAGE_HEAD)
			return req->pos;
		if (*event == HTTP_BAD)
			return len;
		/* The rest is to come, or a body that the head must outlive. */
		if (*event != HTTP_MORE)
			len = req->pos;
		if (!gather(req, data, len))
			*event = http_bad(req, 503);
		req->head = req->copy;
		return len;
	}

	if (!gather(req, data, len)) {
		*event = http_bad(req, 503);
		return len;
	}
	req->head = req->copy;
	*event = http_head(req, req->copy, req->gathered);
	if (*event == HTTP_MORE || *event == HTTP_BAD)
		return len;
	/* What the copy holds of the next request is not taken yet. */
	return req->pos - before;
}

/**
 * http_feed - read on
 * @req: the request
 * @data: bytes that follow those that were taken before
 * @len: how many, at least one
 * @event: what has come of it
 *
 * Return: how many bytes were taken: all of them after HTTP_MORE and HTTP_BAD,
 * those up to the end of the request after HTTP_DONE.
 */
size_t http_feed(struct http_request *req, const u8 *data, size_t len,
		 enum http_event *event)
{
	size_t used = 0;

	if (req->stage == HTTP_STAGE_HEAD) {
		if (*data <= '\r')
			used = skip_empty(req, data, len);
		if (used == len) {
			*event = HTTP_MORE;
			return used;
		}
		used += feed_head(req, data + used, len - used, event);
		if (*event != HTTP_DONE || req->stage == HTTP_STAGE_HEAD)
			return used;
		if (used == len) {
			*event = HTTP_MORE;
			return used;
		}
	}
	return used + http_body(req, data + used, len - used, event);
}

/**
 * http_reset - get ready for the next request
 * @req: frees what it has allocated, in any state
 */
void http_reset(struct http_request *req)
{
	kfree(req->copy);
	memset(req, 0, sizeof(*req));
}
