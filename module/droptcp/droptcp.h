/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef DROPTCP_H
#define DROPTCP_H

#include <linux/in6.h>
#include <linux/types.h>

struct net;

/* Longest line: two bracketed IPv6 addresses with ports, and some blanks. */
#define DROPTCP_LINE_MAX 256

/* One end of a connection. IPv4 when @v6 of its pair is not set. */
struct droptcp_end {
	union {
		__be32 v4;
		struct in6_addr v6;
	};
	u16 port;
};

/* A connection as one of its two sockets sees it: @local is that socket. */
struct droptcp_pair {
	bool v6;
	struct droptcp_end local;
	struct droptcp_end remote;
};

int droptcp_parse(const char *line, size_t len, struct droptcp_pair *pair);
bool droptcp_may_begin(const char *line, size_t len);
void droptcp_drop(struct net *net, const struct droptcp_pair *pair);

#endif
