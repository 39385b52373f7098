// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A directory as a page, in as many parts as it takes: the directory's own
 * position says where to go on, and nothing is kept of what was sent.
 */

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "reply.h"

/* Before a chunk: its size in four digits, and a line end. */
#define CHUNK_HEAD 6

/* Entries that are looked at for one part, shown or not: one turn's work. */
#define PART_ENTRIES 256

/* One entry, at worst; what comes before them, and after. */
#define ENTRY (HTTP_URL_MOST * NAME_MAX + HTTP_HTML_MOST * NAME_MAX + 64)
#define TITLE 256
#define PAGE_HEAD (2 * HTTP_HTML_MOST * TITLE + 512)
#define PAGE_TAIL 64

struct listing {
	struct dir_context ctx;
	char *buf;
	size_t len;
	size_t room;
	unsigned int entries;
};

static bool page_entry(struct dir_context *ctx, const char *name, int len,
		       loff_t off, u64 ino, unsigned int type)
{
	struct listing *list = container_of(ctx, struct listing, ctx);
	const char *slash = type == DT_DIR ? "/" : "";
	char *to = list->buf + list->len;

	/* What is not taken now is offered again when this part is sent. */
	if (list->entries == PART_ENTRIES || list->room - list->len < ENTRY)
		return false;
	list->entries++;
	/* Hidden ones, and names that no file system should have. */
	if (len <= 0 || len > NAME_MAX || name[0] == '.')
		return true;

	to += sprintf(to, "<li><a href=\"");
	to += http_escape_url(to, name, len);
	to += sprintf(to, "%s\">", slash);
	to += http_escape_html(to, name, len);
	to += sprintf(to, "%s</a></li>\n", slash);
	list->len = to - list->buf;
	return true;
}

static size_t page_title(const struct khttpd_reply *reply, char *to)
{
	size_t len = min_t(size_t, reply->path_len, TITLE);
	size_t n = sprintf(to, "Index of /");

	n += http_escape_html(to + n, reply->path, len);
	return n;
}

static size_t page_head(const struct khttpd_reply *reply, char *to)
{
	size_t n;

	n = sprintf(to, "<!DOCTYPE html>\n<html><head>"
			"<meta charset=\"utf-8\"><title>");
	n += page_title(reply, to + n);
	n += sprintf(to + n, "</title></head>\n<body><h1>");
	n += page_title(reply, to + n);
	n += sprintf(to + n, "</h1>\n<ul>\n");
	if (reply->path_len)
		n += sprintf(to + n, "<li><a href=\"../\">../</a></li>\n");
	return n;
}

/* Fills buf from @at on with the next part of the page, and queues it. */
static int page_part(struct ktcp_io *io, struct khttpd_reply *reply, size_t at,
		     bool begin)
{
	size_t body = at + (reply->chunked ? CHUNK_HEAD : 0);
	struct listing list = {
		.ctx.actor = page_entry,
		.buf = reply->buf + body,
		.room = reply->room - body - PAGE_TAIL,
	};
	char *to;
	int err;

	if (begin)
		list.len = page_head(reply, list.buf);
	err = iterate_dir(reply->file, &list.ctx);
	if (err)
		return err;
	/* Only hidden ones this time. An empty chunk would be the last. */
	if (list.entries && !list.len)
		return 1;
	to = list.buf + list.len;
	/* A directory ends where it has nothing more to offer. */
	if (!list.entries) {
		reply->stage = REPLY_END;
		to += sprintf(to, "</ul></body></html>\n");
	}
	if (reply->chunked) {
		char digits[CHUNK_HEAD + 1];

		snprintf(digits, sizeof(digits), "%04x\r\n",
			 (unsigned int)(to - list.buf));
		memcpy(reply->buf + at, digits, CHUNK_HEAD);
		to += sprintf(to, "\r\n");
		if (reply->stage == REPLY_END)
			to += sprintf(to, "0\r\n\r\n");
	}
	return reply_queue(io, reply, to - reply->buf);
}

int reply_list_more(struct ktcp_io *io, struct khttpd_reply *reply)
{
	return page_part(io, reply, 0, false);
}

/* Begins to send the entries of the directory that is open. */
int reply_list(struct ktcp_io *io, struct khttpd_reply *reply)
{
	size_t n;
	int err;

	BUILD_BUG_ON(REPLY_HEAD + PAGE_HEAD + 2 * ENTRY + PAGE_TAIL >
		     REPLY_PART);
	BUILD_BUG_ON(REPLY_PART > 0xffff);

	if (!reply_room(reply, REPLY_PART))
		return reply_fail(io, reply, -ENOMEM);
	if (!reply->chunked)
		reply->keep_alive = false;

	n = reply_fields(reply, "200 OK");
	n += scnprintf(reply->buf + n, reply->room - n,
		       "Content-Type: text/html; charset=utf-8\r\n"
		       "%s\r\n",
		       reply->chunked ? "Transfer-Encoding: chunked\r\n" : "");
	if (reply->head) {
		reply->stage = REPLY_END;
		return reply_queue(io, reply, n);
	}
	reply->stage = REPLY_LISTING;
	err = page_part(io, reply, n, true);
	/* It has been removed meanwhile: nothing of an answer is out. */
	return err < 0 ? reply_fail(io, reply, err) : err;
}
