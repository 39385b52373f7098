/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef KHTTPD_H
#define KHTTPD_H

#include <linux/types.h>

#include "../core/ktcp.h"
#include "parser.h"

struct dentry;
struct file;
struct khttpd_reply;
struct path;
struct vfsmount;

/* A connection's private state. Zero at accept. */
struct khttpd_conn {
	struct http_request req;
	struct khttpd_reply *reply; /* what tx is producing, if anything */
	bool hurry; /* the time runs for a request, not for a pause */
};

/* answer.c */
void khttpd_answers_init(void);
void khttpd_send(struct ktcp_io *io, unsigned int status, bool head,
		 bool keep_alive);
void khttpd_hello(struct ktcp_io *io);

/* root.c */
extern char *khttpd_root_name;
int khttpd_root_init(void);
void khttpd_root_uninit(void);
bool khttpd_root_set(void);
struct file *khttpd_root_open(const char *name);

/* Exported by 6.1 as well, which declares it in a header of its own only. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt,
		    const char *name, unsigned int flags, struct path *path);

/* reply.c */
int khttpd_reply_new(struct khttpd_conn *conn);
int khttpd_reply_run(struct ktcp_io *io, struct khttpd_reply *reply);
bool khttpd_reply_keeps(const struct khttpd_reply *reply);
void khttpd_reply_free(struct khttpd_reply *reply);

/* http.c */
extern const struct ktcp_proto khttpd_proto;

/* main.c */
unsigned int khttpd_keepalive_ms(void);

#endif
