/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the files share that answer out of WWWROOT. */
#ifndef KHTTPD_REPLY_H
#define KHTTPD_REPLY_H

#include <linux/types.h>

#include "khttpd.h"
#include "text.h"

/* Bytes that are read from a file or a directory, and sent, in one turn. */
#define REPLY_PART (16 * 1024)
/* Room for a head whose fields are all short. */
#define REPLY_HEAD 512
/* The longest Range that is looked at. */
#define REPLY_RANGE 64

enum reply_stage {
	REPLY_BEGIN, /* nothing is open yet */
	REPLY_FILE, /* the file's bytes from pos to end are to be sent */
	REPLY_LISTING, /* the directory's entries are */
	REPLY_END, /* all is queued; the memory is free when it is sent */
};

/* One answer out of WWWROOT, from the request to its last byte. */
struct khttpd_reply {
	struct file *file;
	char *buf; /* what is being sent */
	size_t room; /* of buf */
	u64 pos;
	u64 end;
	s64 since; /* If-Modified-Since */
	s64 unless; /* If-Range */
	s64 until; /* If-Unmodified-Since */
	u8 stage; /* enum reply_stage */
	bool has_since;
	bool has_unless;
	bool has_until;
	u8 conditions; /* HTTP_IF_... */
	bool head; /* HEAD: no body */
	bool chunked; /* else a listing ends with the connection */
	bool keep_alive;
	u8 range_len;
	u16 path_len;
	u16 query_len;
	char *query; /* behind the path; with the question mark */
	u8 range[REPLY_RANGE]; /* from here on not cleared at first */
	char path[]; /* see http_path(); with room for "index.html" */
};

bool reply_room(struct khttpd_reply *reply, size_t room);
size_t reply_fields(struct khttpd_reply *reply, const char *status);
int reply_queue(struct ktcp_io *io, struct khttpd_reply *reply, size_t len);
int reply_fail(struct ktcp_io *io, struct khttpd_reply *reply, int err);

int reply_list(struct ktcp_io *io, struct khttpd_reply *reply);
int reply_list_more(struct ktcp_io *io, struct khttpd_reply *reply);

#endif
