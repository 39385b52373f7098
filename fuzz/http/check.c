// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The properties of the parser, for any stream of bytes: what it makes of it
 * does not depend on how it was cut, and what it hands on is safe to use.
 * A property that does not hold aborts.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"
#include "text.h"

#include "check.h"

int shim_allocations = -1;

#define CHECK(property)                                               \
	do {                                                          \
		if (!(property)) {                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
				__FILE__, __LINE__, #property);       \
			abort();                                      \
		}                                                     \
	} while (0)

/* What the parser said, as text: two of them are compared. */
struct transcript {
	char *text;
	size_t len;
	size_t room;
};

static void say(struct transcript *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (t->len + len + 1 > t->room) {
		t->room = 2 * (t->len + len + 1);
		t->text = realloc(t->text, t->room);
		CHECK(t->text);
	}
	va_start(args, format);
	vsnprintf(t->text + t->len, len + 1, format, args);
	va_end(args);
	t->len += len;
}

/* A copy of its own, so that the sanitizer sees a read beyond its end. */
static uint8_t *own(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	CHECK(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

/* The path of a target stays below the root, and a link to it leads to it. */
static void check_path(const uint8_t *target, size_t len)
{
	char *path = malloc(len + 1);
	char *link = malloc(HTTP_URL_MOST * len + 1);
	char *again = malloc(HTTP_URL_MOST * len + 1);
	char *html = malloc(HTTP_HTML_MOST * len + 1);
	size_t from, to, size;
	int n;

	CHECK(path && link && again && html);
	n = http_path(target, len, path);
	if (n >= 0) {
		CHECK((size_t)n <= len && strlen(path) == (size_t)n);
		for (from = 0; from < (size_t)n; from = to + 1) {
			to = from + strcspn(path + from, "/");
			CHECK(to > from); /* no empty segment, no slash first */
			CHECK(strncmp(path + from, "./", to - from + 1));
			CHECK(strncmp(path + from, "../", to - from + 1));
		}
		CHECK(strcmp(path, ".") && strcmp(path, ".."));

		size = http_escape_url(link, path, n);
		CHECK(size <= HTTP_URL_MOST * (size_t)n);
		CHECK(http_path((uint8_t *)link, size, again) == n);
		CHECK(!strcmp(path, again));
		CHECK(http_type(path, n));

		size = http_escape_html(html, path, n);
		CHECK(size <= HTTP_HTML_MOST * (size_t)n);
		html[size] = '\0';
		CHECK(!strpbrk(html, "<>\"'"));
	}
	free(path);
	free(link);
	free(again);
	free(html);
}

static void check_date(const uint8_t *text, size_t len)
{
	uint8_t written[HTTP_DATE_LEN];
	int64_t seconds, again;

	if (!http_date_parse(text, len, &seconds))
		return;
	http_date_format(seconds, (char *)written);
	CHECK(http_date_parse(written, sizeof(written), &again));
	CHECK(again == (seconds < 0 ? 0 : seconds) ||
	      seconds > 253402300799LL /* a leap second ends the year 9999 */);
}

static void check_range(const uint8_t *text, size_t len)
{
	static const uint64_t sizes[] = { 0, 1, 12, 4096, INT64_MAX };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t first = 0, last = 0;

		if (http_range(text, len, sizes[i], &first, &last) ==
		    HTTP_RANGE_ONE)
			CHECK(first <= last && last < sizes[i]);
	}
}

/* Writes down a request that is complete. */
static void complete(struct transcript *t, const struct http_request *req)
{
	const struct http_text texts[] = { req->target, req->range,
					   req->if_range,
					   req->if_modified_since,
					   req->if_unmodified_since };
	size_t i;

	CHECK(req->minor <= 9 && req->method <= HTTP_UNKNOWN);
	CHECK(req->body <= HTTP_BODY_MAX);
	CHECK(req->target.len <= HTTP_TARGET_MAX);
	say(t, "done %d 1.%d %d %d %llu", req->method, req->minor,
	    req->keep_alive, req->conditions, (unsigned long long)req->body);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const uint8_t *text = req->head + texts[i].off;
		uint8_t *copy = own(text, texts[i].len);

		CHECK(texts[i].off + texts[i].len <= HTTP_HEAD_MAX);
		CHECK(!memchr(copy, '\r', texts[i].len) &&
		      !memchr(copy, '\n', texts[i].len) &&
		      !memchr(copy, '\0', texts[i].len));
		say(t, " [%.*s]", (int)texts[i].len, (const char *)text);
		check_path(copy, texts[i].len);
		check_date(copy, texts[i].len);
		check_range(copy, texts[i].len);
		free(copy);
	}
	say(t, "\n");
}

/* Feeds one piece, from memory of its own. Returns false when that was it. */
static bool feed(struct http_request *req, struct transcript *t,
		 const uint8_t *data, size_t len)
{
	uint8_t *piece = own(data, len);
	enum http_event event = HTTP_MORE;
	size_t done = 0;

	while (done < len && event != HTTP_BAD) {
		size_t used = http_feed(req, piece + done, len - done, &event);

		CHECK(used <= len - done);
		done += used;
		switch (event) {
		case HTTP_MORE:
			CHECK(done == len);
			break;
		case HTTP_CONTINUE:
			CHECK(used);
			say(t, "continue\n");
			break;
		case HTTP_DONE:
			CHECK(used);
			complete(t, req);
			http_reset(req);
			break;
		case HTTP_BAD:
			CHECK(done == len);
			CHECK(req->status >= 400 && req->status <= 599);
			say(t, "bad %d\n", req->status);
			break;
		}
	}
	free(piece);
	return event != HTTP_BAD;
}

static struct transcript parse(const uint8_t *data, size_t size, check_cut cut,
			       size_t how)
{
	struct http_request req = { 0 };
	struct transcript t = { 0 };
	size_t off, len;

	say(&t, "begin\n");
	for (off = 0; off < size; off += len) {
		len = cut(off, size - off, how);
		CHECK(len && len <= size - off);
		if (!feed(&req, &t, data + off, len))
			break;
	}
	if (off >= size)
		say(&t, "end %d\n", http_started(&req));
	http_reset(&req);
	return t;
}

static size_t whole(size_t off, size_t left, size_t how)
{
	(void)off;
	(void)how;
	return left;
}

static size_t bytes(size_t off, size_t left, size_t how)
{
	(void)off;
	(void)left;
	(void)how;
	return 1;
}

static size_t pieces(size_t off, size_t left, size_t how)
{
	size_t len = 1 + (off * 2654435761u + how) % 23;

	return len < left ? len : left;
}

void check_split(const uint8_t *data, size_t size, check_cut cut, size_t how)
{
	struct transcript one = parse(data, size, whole, 0);
	struct transcript other = parse(data, size, cut, how);

	if (strcmp(one.text, other.text)) {
		fprintf(stderr, "in one piece:\n%scut (%zu):\n%s", one.text,
			how, other.text);
		abort();
	}
	free(one.text);
	free(other.text);
}

void check_all(const uint8_t *data, size_t size)
{
	struct transcript t;
	int n;

	check_split(data, size, bytes, 0);
	check_split(data, size, pieces, size);

	/* Without memory a request is refused, and nothing is lost. */
	for (n = 0; n < 3; n++) {
		shim_allocations = n;
		t = parse(data, size, bytes, 0);
		shim_allocations = -1;
		free(t.text);
	}

	/* Texts can be anything as well. */
	check_path(data, size);
	check_date(data, size);
	check_range(data, size);
}
