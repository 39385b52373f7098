/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What stands in requests and answers: paths, dates, ranges, escapes, types.
 * Like the parser, compiled and fuzzed in user space too.
 */
#ifndef KHTTPD_TEXT_H
#define KHTTPD_TEXT_H

#include <linux/types.h>

/* Characters of a date, and how many bytes can become of one that is escaped. */
#define HTTP_DATE_LEN 29
#define HTTP_URL_MOST 3
#define HTTP_HTML_MOST 6

enum http_ranges {
	HTTP_RANGE_NONE, /* the whole, also when the field makes no sense */
	HTTP_RANGE_ONE,
	HTTP_RANGE_OUTSIDE, /* nothing of what was asked for is there */
};

int http_path(const u8 *target, size_t len, char *path);
size_t http_escape_url(char *to, const char *from, size_t len);
size_t http_escape_html(char *to, const char *from, size_t len);
const char *http_type(const char *path, size_t len);

bool http_date_parse(const u8 *text, size_t len, s64 *seconds);
void http_date_format(s64 seconds, char *to);

enum http_ranges http_range(const u8 *text, size_t len, u64 size, u64 *first,
			    u64 *last);

#endif
