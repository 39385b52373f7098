// SPDX-License-Identifier: GPL-2.0 OR MIT
/* From request targets to paths, and from names to links. */

#include <linux/kernel.h>
#include <linux/string.h>

#include "parser.h"
#include "text.h"

/*
 * The segment that begins at @from has ended. Returns where the next one
 * begins, or a negative number if it leads out.
 */
static int path_segment(char *path, int from, int to, bool slash)
{
	if (to - from == 1 && path[from] == '.')
		return from;
	if (to - from == 2 && path[from] == '.' && path[from + 1] == '.') {
		if (!from)
			return -1;
		/* The slash before it, and what is before that. */
		for (to = from - 1; to && path[to - 1] != '/'; to--)
			;
		return to;
	}
	if (slash && to > from)
		path[to++] = '/';
	return to;
}

/**
 * http_path - what file a target names
 * @target: path and query as in a request
 * @len: their length
 * @path: room for @len bytes and one more. Gets the path: decoded, without a
 *	slash in front, without "." and ".." and empty segments, and with a
 *	slash at the end if the client asks for a directory
 *
 * Decoding comes first: an encoded slash or dot is a slash or a dot.
 *
 * Return: the path's length, 0 for the root, or a negative number when the
 * target is malformed or leads out of the root.
 */
int http_path(const u8 *target, size_t len, char *path)
{
	int from = 0, to = 0;
	size_t i;

	for (i = 0; i < len && target[i] != '?'; i++) {
		u8 c = target[i];

		if (c == '%') {
			int high = i + 2 < len ? http_hex(target[i + 1]) : -1;
			int low = i + 2 < len ? http_hex(target[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = high << 4 | low;
			i += 2;
		}
		if (!c)
			return -1;
		if (c != '/') {
			path[to++] = c;
			continue;
		}
		to = path_segment(path, from, to, true);
		if (to < 0)
			return to;
		from = to;
	}
	to = path_segment(path, from, to, false);
	if (to < 0)
		return to;
	path[to] = '\0';
	return to;
}

/**
 * http_escape_url - percent-encode a path
 * @to: room for HTTP_URL_MOST times @len
 * @from: the path; its slashes stay
 * @len: its length
 *
 * Return: the length of the result.
 */
size_t http_escape_url(char *to, const char *from, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	char *start = to;
	size_t i;

	for (i = 0; i < len; i++) {
		u8 c = from[i];
		u8 letter = c | 0x20;

		if ((letter >= 'a' && letter <= 'z') ||
		    (c >= '0' && c <= '9') || (c && strchr("/-._~", c))) {
			*to++ = c;
		} else {
			*to++ = '%';
			*to++ = digits[c >> 4];
			*to++ = digits[c & 15];
		}
	}
	return to - start;
}

/**
 * http_escape_html - text as HTML shows it
 * @to: room for HTTP_HTML_MOST times @len
 * @from: the text; control characters become question marks
 * @len: its length
 *
 * Return: the length of the result.
 */
size_t http_escape_html(char *to, const char *from, size_t len)
{
	char *start = to;
	size_t i;

	for (i = 0; i < len; i++) {
		const char *entity = NULL;
		u8 c = from[i];

		switch (c) {
		case '&':
			entity = "&amp;";
			break;
		case '<':
			entity = "&lt;";
			break;
		case '>':
			entity = "&gt;";
			break;
		case '"':
			entity = "&quot;";
			break;
		case '\'':
			entity = "&#39;";
			break;
		}
		if (entity) {
			memcpy(to, entity, strlen(entity));
			to += strlen(entity);
		} else {
			*to++ = c < 0x20 || c == 0x7f ? '?' : c;
		}
	}
	return to - start;
}

/**
 * http_type - the media type of a file
 * @path: its name, or a path that ends in it
 * @len: the length
 *
 * Return: what its extension stands for.
 */
const char *http_type(const char *path, size_t len)
{
	static const struct {
		const char *extension;
		const char *type;
	} types[] = {
		{ "html", "text/html; charset=utf-8" },
		{ "htm", "text/html; charset=utf-8" },
		{ "css", "text/css; charset=utf-8" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "mjs", "text/javascript; charset=utf-8" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "md", "text/markdown; charset=utf-8" },
		{ "csv", "text/csv; charset=utf-8" },
		{ "c", "text/plain; charset=utf-8" },
		{ "h", "text/plain; charset=utf-8" },
		{ "log", "text/plain; charset=utf-8" },
		{ "json", "application/json" },
		{ "xml", "application/xml" },
		{ "pdf", "application/pdf" },
		{ "wasm", "application/wasm" },
		{ "gz", "application/gzip" },
		{ "tar", "application/x-tar" },
		{ "zip", "application/zip" },
		{ "svg", "image/svg+xml" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "jpeg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "webp", "image/webp" },
		{ "ico", "image/x-icon" },
		{ "mp3", "audio/mpeg" },
		{ "ogg", "audio/ogg" },
		{ "wav", "audio/wav" },
		{ "mp4", "video/mp4" },
		{ "webm", "video/webm" },
		{ "woff", "font/woff" },
		{ "woff2", "font/woff2" },
		{ "ttf", "font/ttf" },
	};
	size_t dot = len, i;

	while (dot && path[dot - 1] != '.' && path[dot - 1] != '/')
		dot--;
	if (dot && path[dot - 1] == '.') {
		size_t size = len - dot;

		for (i = 0; i < ARRAY_SIZE(types); i++)
			if (strlen(types[i].extension) == size &&
			    !strncasecmp(path + dot, types[i].extension, size))
				return types[i].type;
	}
	return "application/octet-stream";
}
