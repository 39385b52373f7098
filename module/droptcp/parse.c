// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * One line: "local:port remote:port", with blanks or tabs between them, as
 * ss prints it. IPv6 addresses are in brackets.
 */

#include <linux/errno.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <net/ipv6.h>

#include "droptcp.h"

#define BLANKS " \t"

static int parse_port(const char *text, u16 *port)
{
	/* kstrtou16() takes a sign, too. */
	if (!isdigit(text[0]) || kstrtou16(text, 10, port) || !*port)
		return -EINVAL;
	return 0;
}

static int parse_v4(const char *text, __be32 *addr)
{
	char canonical[sizeof("255.255.255.255")];

	/* in4_pton() is generous: what comes back must be what was given. */
	if (!in4_pton(text, -1, (u8 *)addr, -1, NULL))
		return -EINVAL;
	snprintf(canonical, sizeof(canonical), "%pI4", addr);
	return strcmp(canonical, text) ? -EINVAL : 0;
}

static int parse_v6(const char *text, struct in6_addr *addr)
{
	return in6_pton(text, -1, addr->s6_addr, -1, NULL) ? 0 : -EINVAL;
}

/* Takes @text apart. Returns whether it is IPv6, or a negative errno. */
static int parse_end(char *text, struct droptcp_end *end)
{
	bool v6 = *text == '[';
	char *colon;
	int err;

	if (v6) {
		text++;
		colon = strstr(text, "]:");
		if (!colon)
			return -EINVAL;
		*colon++ = '\0';
	} else {
		colon = strchr(text, ':');
		if (!colon)
			return -EINVAL;
	}
	*colon++ = '\0';

	err = parse_port(colon, &end->port);
	if (err)
		return err;
	err = v6 ? parse_v6(text, &end->v6) : parse_v4(text, &end->v4);
	if (err)
		return err;

	/* An IPv4 connection of an IPv6 socket is looked up as IPv4. */
	if (v6 && ipv6_addr_v4mapped(&end->v6)) {
		end->v4 = end->v6.s6_addr32[3];
		return false;
	}
	return v6;
}

/**
 * droptcp_parse - read a line
 * @line: without its newline
 * @len: its length
 * @pair: what it says
 *
 * Return: 1, 0 when the line is empty, or -EINVAL.
 */
int droptcp_parse(const char *line, size_t len, struct droptcp_pair *pair)
{
	char text[DROPTCP_LINE_MAX + 1];
	char *rest = text, *field, *fields[2];
	int n = 0, local, remote;

	if (len > DROPTCP_LINE_MAX || memchr(line, '\0', len))
		return -EINVAL;
	memcpy(text, line, len);
	text[len] = '\0';

	while ((field = strsep(&rest, BLANKS))) {
		if (!*field)
			continue;
		if (n == ARRAY_SIZE(fields))
			return -EINVAL;
		fields[n++] = field;
	}
	if (!n)
		return 0;
	if (n < ARRAY_SIZE(fields))
		return -EINVAL;

	local = parse_end(fields[0], &pair->local);
	remote = parse_end(fields[1], &pair->remote);
	if (local < 0 || remote < 0 || local != remote)
		return -EINVAL;
	pair->v6 = local;
	return 1;
}

/**
 * droptcp_may_begin - could a line begin like that?
 * @line: the part of it that has come
 * @len: its length
 *
 * Return: false when whatever follows cannot make it right.
 */
bool droptcp_may_begin(const char *line, size_t len)
{
	size_t i;

	if (len > DROPTCP_LINE_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (!isxdigit(line[i]) &&
		    (!line[i] || !strchr(BLANKS ".:[]", line[i])))
			return false;
	return true;
}
