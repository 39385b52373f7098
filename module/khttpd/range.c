// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The field Range: one range of bytes, RFC 9110, 14. */

#include <linux/string.h>

#include "parser.h"
#include "text.h"

/* Reads digits, at least one. A number that is too large becomes the largest. */
static bool number(const u8 *text, size_t *i, size_t len, u64 *value)
{
	size_t from = *i;

	for (*value = 0; *i < len && text[*i] >= '0' && text[*i] <= '9'; ++*i) {
		if (*value > (U64_MAX - 9) / 10)
			*value = U64_MAX;
		else
			*value = *value * 10 + (text[*i] - '0');
	}
	return *i > from;
}

/**
 * http_range - what part of a file is asked for
 * @text: the value of the field
 * @len: its length, 0 when there is none
 * @size: of the file
 * @first: of the bytes to send
 * @last: of them
 *
 * Several ranges, other units and nonsense are ignored, as a server may.
 *
 * Return: whether there is a part, which then is in @first and @last.
 */
enum http_ranges http_range(const u8 *text, size_t len, u64 size, u64 *first,
			    u64 *last)
{
	size_t i = 6;

	if (len < 8 || !http_same(text, "bytes", 5) || text[5] != '=')
		return HTTP_RANGE_NONE;
	if (text[i] == '-') {
		u64 suffix;

		i++;
		if (!number(text, &i, len, &suffix) || i != len)
			return HTTP_RANGE_NONE;
		if (!suffix || !size)
			return HTTP_RANGE_OUTSIDE;
		*first = suffix < size ? size - suffix : 0;
		*last = size - 1;
		return HTTP_RANGE_ONE;
	}
	if (!number(text, &i, len, first) || i == len || text[i++] != '-')
		return HTTP_RANGE_NONE;
	*last = U64_MAX;
	if (i < len && (!number(text, &i, len, last) || i != len))
		return HTTP_RANGE_NONE;
	if (*first > *last)
		return HTTP_RANGE_NONE;
	if (*first >= size)
		return HTTP_RANGE_OUTSIDE;
	if (*last >= size)
		*last = size - 1;
	return HTTP_RANGE_ONE;
}
