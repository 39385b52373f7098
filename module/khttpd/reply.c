// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Answers out of WWWROOT. A request becomes a reply in rx, under the socket
 * lock: that only notes what is wanted. All the rest happens in tx, which may
 * sleep, a part of the file at a time: memory does not grow with the file.
 */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/string.h>

#include "clock.h"
#include "reply.h"

#define INDEX "index.html"

static const u8 *text(const struct http_request *req, struct http_text part)
{
	return req->head + part.off;
}

/**
 * khttpd_reply_new - note what a request asks for
 * @conn: whose request is complete; gets the reply
 *
 * Return: 0, or the status that is the answer already.
 */
int khttpd_reply_new(struct khttpd_conn *conn)
{
	const struct http_request *req = &conn->req;
	const u8 *target = text(req, req->target), *query;
	size_t len = req->target.len;
	struct khttpd_reply *reply;
	int path_len;

	reply = kmalloc(struct_size(reply, path, 2 * len + 2 + sizeof(INDEX)),
			GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!reply)
		return 503;
	memset(reply, 0, offsetof(struct khttpd_reply, range));

	path_len = http_path(target, len, reply->path);
	if (path_len < 0) {
		kfree(reply);
		return 400;
	}
	reply->path_len = path_len;
	query = memchr(target, '?', len);
	reply->query_len = query ? target + len - query : 0;
	reply->query = reply->path + len + 1 + sizeof(INDEX);
	if (query)
		memcpy(reply->query, query, reply->query_len);

	reply->head = req->method == HTTP_HEAD;
	reply->keep_alive = req->keep_alive;
	reply->chunked = req->minor > 0;
	reply->conditions = req->conditions;
	/* Where tags are named as well, they decide. */
	reply->has_since = !(req->conditions & HTTP_IF_NONE_MATCH) &&
			   http_date_parse(text(req, req->if_modified_since),
					   req->if_modified_since.len,
					   &reply->since);
	reply->has_until = !(req->conditions & HTTP_IF_MATCH) &&
			   http_date_parse(text(req, req->if_unmodified_since),
					   req->if_unmodified_since.len,
					   &reply->until);
	if (req->range.len <= REPLY_RANGE && !reply->head) {
		reply->range_len = req->range.len;
		memcpy(reply->range, text(req, req->range), req->range.len);
	}
	/* A tag that is not ours, or no date at all, never matches. */
	reply->has_unless = req->if_range.len;
	if (reply->has_unless &&
	    !http_date_parse(text(req, req->if_range), req->if_range.len,
			     &reply->unless))
		reply->range_len = 0;

	conn->reply = reply;
	return 0;
}

/* Frees what a reply holds, in any state. In a kernel thread; sleeps. */
void khttpd_reply_free(struct khttpd_reply *reply)
{
	if (!reply)
		return;
	/*
	 * Now, not by a work item later: there may be many of them, and the
	 * file system must not be held when the module has gone.
	 */
	if (reply->file)
		__fput_sync(reply->file);
	kfree(reply->buf);
	kfree(reply);
}

bool khttpd_reply_keeps(const struct khttpd_reply *reply)
{
	return reply->keep_alive;
}

/* Makes room in buf, whose content is lost. */
bool reply_room(struct khttpd_reply *reply, size_t room)
{
	kfree(reply->buf);
	reply->buf = kmalloc(room, GFP_KERNEL | __GFP_NOWARN);
	reply->room = reply->buf ? room : 0;
	return reply->buf;
}

/* Queues what is in buf. The reply's last call comes when it is sent. */
int reply_queue(struct ktcp_io *io, struct khttpd_reply *reply, size_t len)
{
	return ktcp_io_send(io, reply->buf, len) ? 1 : -EIO;
}

/* The answer is that it cannot be had. */
int reply_fail(struct ktcp_io *io, struct khttpd_reply *reply, int err)
{
	unsigned int status;

	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		status = 404;
		break;
	case -EACCES:
	case -EPERM:
	case -ELOOP: /* a magic link, or too many */
	case -EXDEV: /* leads out of the root */
		status = 403;
		break;
	case -EAGAIN:
	case -ENOMEM:
	case -ENFILE:
		status = 503;
		break;
	default:
		status = 500;
		break;
	}
	khttpd_send(io, status, reply->head, reply->keep_alive);
	return 0;
}

/* Writes the fields that every answer has, and leaves the head open. */
size_t reply_fields(struct khttpd_reply *reply, const char *status)
{
	char date[HTTP_DATE_LEN];

	http_clock_date(date);
	return scnprintf(reply->buf, reply->room,
			 "HTTP/1.1 %s\r\n"
			 "Server: khttpd\r\n"
			 "Date: %.*s\r\n"
			 "Connection: %s\r\n",
			 status, HTTP_DATE_LEN, date,
			 reply->keep_alive ? "keep-alive" : "close");
}

/* Reads the next part of the file into buf behind what is there already. */
static int reply_read(struct ktcp_io *io, struct khttpd_reply *reply,
		      size_t filled)
{
	size_t want = min_t(u64, reply->room - filled, reply->end - reply->pos);
	loff_t pos = reply->pos;
	ssize_t got;

	if (want) {
		got = kernel_read(reply->file, reply->buf + filled, want, &pos);
		if (got < 0)
			return got;
		/*
		 * Shorter than it was when we promised its length: nothing but
		 * the end of the connection tells the client.
		 */
		if (!got)
			return -EIO;
		reply->pos += got;
		filled += got;
	}
	if (reply->pos == reply->end)
		reply->stage = REPLY_END;
	return reply_queue(io, reply, filled);
}

/* Is the file not the one that the client means? RFC 9110, 13.2.2. */
static bool reply_refused(const struct khttpd_reply *reply, s64 mtime)
{
	if (reply->conditions & HTTP_IF_MATCH)
		return !(reply->conditions & HTTP_IF_MATCH_ANY);
	return reply->has_until && mtime > reply->until;
}

/* Does the client have it as it is? */
static bool reply_is_known(const struct khttpd_reply *reply, s64 mtime)
{
	if (reply->conditions & HTTP_IF_NONE_MATCH_ANY)
		return true;
	return reply->has_since && mtime <= reply->since;
}

/* Which part of the file, and as what? Also decides that none of it is due. */
static const char *reply_select(struct khttpd_reply *reply, u64 size, s64 mtime)
{
	u64 first, last;

	reply->pos = 0;
	reply->end = size;
	if (reply_is_known(reply, mtime)) {
		reply->end = 0;
		return "304 Not Modified";
	}
	if (reply->has_unless && mtime != reply->unless)
		return "200 OK";
	switch (http_range(reply->range, reply->range_len, size, &first,
			   &last)) {
	case HTTP_RANGE_ONE:
		reply->pos = first;
		reply->end = last + 1;
		return "206 Partial Content";
	case HTTP_RANGE_OUTSIDE:
		reply->end = 0;
		return "416 Range Not Satisfiable";
	default:
		return "200 OK";
	}
}

/* Begins to send a regular file. */
static int reply_file(struct ktcp_io *io, struct khttpd_reply *reply)
{
	char date[HTTP_DATE_LEN];
	const char *status;
	struct kstat stat;
	u64 left;
	size_t n;
	int err;

	err = vfs_getattr(&reply->file->f_path, &stat, STATX_SIZE | STATX_MTIME,
			  AT_STATX_SYNC_AS_STAT);
	if (err)
		return reply_fail(io, reply, err);

	if (reply_refused(reply, stat.mtime.tv_sec)) {
		khttpd_send(io, 412, reply->head, reply->keep_alive);
		return 0;
	}
	status = reply_select(reply, stat.size, stat.mtime.tv_sec);
	left = reply->head ? 0 : reply->end - reply->pos;
	if (!reply_room(reply, min_t(u64, REPLY_PART, REPLY_HEAD + left)))
		return reply_fail(io, reply, -ENOMEM);

	/* Not later than the Date that follows, whoever set the file's. */
	http_date_format(min(stat.mtime.tv_sec, ktime_get_real_seconds()),
			 date);
	n = reply_fields(reply, status);
	n += scnprintf(reply->buf + n, reply->room - n,
		       "Last-Modified: %.*s\r\n"
		       "Accept-Ranges: bytes\r\n",
		       HTTP_DATE_LEN, date);
	if (status[0] == '4')
		n += scnprintf(reply->buf + n, reply->room - n,
			       "Content-Range: bytes */%llu\r\n", stat.size);
	else if (status[2] == '6')
		n += scnprintf(reply->buf + n, reply->room - n,
			       "Content-Range: bytes %llu-%llu/%llu\r\n",
			       reply->pos, reply->end - 1, stat.size);
	if (status[0] != '3')
		n += scnprintf(reply->buf + n, reply->room - n,
			       "Content-Type: %s\r\n"
			       "Content-Length: %llu\r\n",
			       http_type(reply->path, reply->path_len),
			       reply->end - reply->pos);
	n += scnprintf(reply->buf + n, reply->room - n, "\r\n");

	reply->end = reply->pos + left;
	reply->stage = REPLY_FILE;
	err = reply_read(io, reply, n);
	/* Nothing of an answer is out. */
	return err < 0 ? reply_fail(io, reply, err) : err;
}

/* A directory without the slash: links in it would lead elsewhere. */
static int reply_redirect(struct ktcp_io *io, struct khttpd_reply *reply)
{
	size_t n;

	if (!reply_room(reply, REPLY_HEAD + HTTP_URL_MOST * reply->path_len +
				       reply->query_len))
		return reply_fail(io, reply, -ENOMEM);
	n = reply_fields(reply, "301 Moved Permanently");
	/* One slash in front: two would name another host. */
	n += scnprintf(reply->buf + n, reply->room - n, "Location: /");
	n += http_escape_url(reply->buf + n, reply->path, reply->path_len);
	n += scnprintf(reply->buf + n, reply->room - n,
		       "/%.*s\r\n"
		       "Content-Length: 0\r\n"
		       "\r\n",
		       reply->query_len, reply->query);
	reply->stage = REPLY_END;
	return reply_queue(io, reply, n);
}

static bool is_directory(const struct file *file)
{
	return S_ISDIR(file_inode(file)->i_mode);
}

/* Its index, if it has one, or else its entries. */
static int reply_directory(struct ktcp_io *io, struct khttpd_reply *reply)
{
	struct file *file;

	if (reply->path_len && reply->path[reply->path_len - 1] != '/')
		return reply_redirect(io, reply);

	memcpy(reply->path + reply->path_len, INDEX, sizeof(INDEX));
	file = khttpd_root_open(reply->path);
	reply->path[reply->path_len] = '\0';
	if (!IS_ERR(file) && is_directory(file)) {
		__fput_sync(file);
		file = ERR_PTR(-ENOENT);
	}
	if (file == ERR_PTR(-ENOENT))
		return reply_list(io, reply);
	if (IS_ERR(file))
		return reply_fail(io, reply, PTR_ERR(file));

	__fput_sync(reply->file);
	reply->file = file;
	memcpy(reply->path + reply->path_len, INDEX, sizeof(INDEX));
	reply->path_len += sizeof(INDEX) - 1;
	return reply_file(io, reply);
}

static int reply_begin(struct ktcp_io *io, struct khttpd_reply *reply)
{
	struct file *file = khttpd_root_open(reply->path);

	if (IS_ERR(file))
		return reply_fail(io, reply, PTR_ERR(file));
	reply->file = file;
	return is_directory(file) ? reply_directory(io, reply) :
				    reply_file(io, reply);
}

/**
 * khttpd_reply_run - produce the next part of an answer
 * @io: as given to tx; nothing is queued
 * @reply: the answer
 *
 * What is queued lies in the reply: it is freed when that has been sent.
 *
 * Return: as ktcp_proto.tx does.
 */
int khttpd_reply_run(struct ktcp_io *io, struct khttpd_reply *reply)
{
	switch (reply->stage) {
	case REPLY_BEGIN:
		return reply_begin(io, reply);
	case REPLY_FILE:
		return reply_read(io, reply, 0);
	case REPLY_LISTING:
		return reply_list_more(io, reply);
	default:
		return 0;
	}
}
