// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Dates as RFC 9110, 5.6.7, has them: one form to write, three to read. */

#include <linux/string.h>

#include "text.h"

#define DAY 86400

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static const u8 month_days[] = {
	31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
};

static bool leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970 to the first of a year. */
static s64 days_before(int year)
{
	s64 past = year - 1;

	return 365 * (s64)(year - 1970) + (past / 4 - 1969 / 4) -
	       (past / 100 - 1969 / 100) + (past / 400 - 1969 / 400);
}

/* What is left of the text. */
struct cursor {
	const u8 *at;
	const u8 *end;
};

static bool skip(struct cursor *c, const char *what)
{
	size_t len = strlen(what);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, what, len))
		return false;
	c->at += len;
	return true;
}

static bool number(struct cursor *c, int digits, int *value)
{
	for (*value = 0; digits; digits--, c->at++) {
		if (c->at == c->end || *c->at < '0' || *c->at > '9')
			return false;
		*value = *value * 10 + (*c->at - '0');
	}
	return true;
}

/* A name of three letters. */
static bool name(struct cursor *c, const char *names, int *index)
{
	int i;

	for (i = 0; names[3 * i]; i++) {
		if (c->end - c->at < 3 || memcmp(c->at, names + 3 * i, 3))
			continue;
		c->at += 3;
		*index = i;
		return true;
	}
	return false;
}

struct date {
	int day;
	int month; /* 0 to 11 */
	int year;
	int hour;
	int minute;
	int second;
};

static bool time_of_day(struct cursor *c, struct date *d)
{
	return number(c, 2, &d->hour) && skip(c, ":") &&
	       number(c, 2, &d->minute) && skip(c, ":") &&
	       number(c, 2, &d->second);
}

/* , 06 Nov 1994 08:49:37 GMT */
static bool fixdate(struct cursor *c, struct date *d)
{
	return skip(c, ", ") && number(c, 2, &d->day) && skip(c, " ") &&
	       name(c, months, &d->month) && skip(c, " ") &&
	       number(c, 4, &d->year) && skip(c, " ") && time_of_day(c, d) &&
	       skip(c, " GMT");
}

/* day, 06-Nov-94 08:49:37 GMT */
static bool rfc850(struct cursor *c, struct date *d)
{
	while (c->at < c->end && *c->at >= 'a' && *c->at <= 'z')
		c->at++;
	if (!(skip(c, ", ") && number(c, 2, &d->day) && skip(c, "-") &&
	      name(c, months, &d->month) && skip(c, "-") &&
	      number(c, 2, &d->year) && skip(c, " ") && time_of_day(c, d) &&
	      skip(c, " GMT")))
		return false;
	d->year += d->year < 70 ? 2000 : 1900;
	return true;
}

/* Nov  6 08:49:37 1994, after a space */
static bool asctime(struct cursor *c, struct date *d)
{
	return skip(c, " ") && name(c, months, &d->month) && skip(c, " ") &&
	       number(c, skip(c, " ") ? 1 : 2, &d->day) && skip(c, " ") &&
	       time_of_day(c, d) && skip(c, " ") && number(c, 4, &d->year);
}

/**
 * http_date_parse - read a date
 * @text: in one of the three forms
 * @len: its length
 * @seconds: since 1970
 *
 * Return: whether it is one.
 */
bool http_date_parse(const u8 *text, size_t len, s64 *seconds)
{
	struct cursor c = { .at = text, .end = text + len };
	struct date d = { 0 };
	int weekday, i;
	s64 day;
	bool ok;

	if (!name(&c, days, &weekday) || c.at == c.end)
		return false;
	if (*c.at == ',')
		ok = fixdate(&c, &d);
	else if (*c.at == ' ')
		ok = asctime(&c, &d);
	else
		ok = rfc850(&c, &d);
	if (!ok || c.at != c.end)
		return false;
	if (d.hour > 23 || d.minute > 59 || d.second > 60 || d.day < 1 ||
	    d.year < 1)
		return false;
	if (d.day > month_days[d.month] + (d.month == 1 && leap(d.year)))
		return false;

	day = days_before(d.year) + d.day - 1;
	for (i = 0; i < d.month; i++)
		day += month_days[i] + (i == 1 && leap(d.year));
	*seconds = day * DAY + d.hour * 3600 + d.minute * 60 + d.second;
	return true;
}

static char *put(char *to, int value, int digits)
{
	int i;

	for (i = digits - 1; i >= 0; i--, value /= 10)
		to[i] = '0' + value % 10;
	return to + digits;
}

static char *put_name(char *to, const char *names, int index, char after)
{
	memcpy(to, names + 3 * index, 3);
	to[3] = after;
	return to + 4;
}

/**
 * http_date_format - write a date
 * @seconds: since 1970; what is outside the years 1970 to 9999 is moved there
 * @to: gets HTTP_DATE_LEN characters, and no NUL
 */
void http_date_format(s64 seconds, char *to)
{
	const s64 last = 253402300799LL; /* of the year 9999 */
	s64 day;
	int rest, year, month, len;

	if (seconds < 0)
		seconds = 0;
	if (seconds > last)
		seconds = last;
	/* Both are small enough for the processor: no 64-bit division helper. */
	day = (u64)seconds / DAY;
	rest = (u64)seconds % DAY;

	to = put_name(to, days, (u64)(day + 4) % 7, ',');
	year = 1970 + (u64)day / 366;
	while (days_before(year + 1) <= day)
		year++;
	day -= days_before(year);
	for (month = 0;; month++) {
		len = month_days[month] + (month == 1 && leap(year));
		if (day < len)
			break;
		day -= len;
	}
	*to++ = ' ';
	to = put(to, day + 1, 2);
	*to++ = ' ';
	to = put_name(to, months, month, ' ');
	to = put(to, year, 4);
	*to++ = ' ';
	to = put(to, rest / 3600, 2);
	*to++ = ':';
	to = put(to, rest / 60 % 60, 2);
	*to++ = ':';
	to = put(to, rest % 60, 2);
	memcpy(to, " GMT", 4);
}
