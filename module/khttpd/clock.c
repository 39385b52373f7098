// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The date of now, as every answer has it, RFC 9110, 6.6.1. To write one takes
 * longer than to send it, and it is the same for a second: it is kept, and who
 * finds it old writes the next.
 */

#include <linux/ktime.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "clock.h"
#include "text.h"

/* Process context only. Taken by who writes, once a second. */
static DEFINE_SPINLOCK(clock_lock);
static seqcount_spinlock_t clock_seq =
	SEQCNT_SPINLOCK_ZERO(clock_seq, &clock_lock);
static time64_t clock_second = -1; /* never now: what follows is empty */
static char clock_date[HTTP_DATE_LEN];

/* Nobody waits for who is at it already: he has a date of his own. */
static noinline void clock_advance(time64_t now, char *to)
{
	http_date_format(now, to);
	if (!spin_trylock(&clock_lock))
		return;
	write_seqcount_begin(&clock_seq);
	clock_second = now;
	memcpy(clock_date, to, HTTP_DATE_LEN);
	write_seqcount_end(&clock_seq);
	spin_unlock(&clock_lock);
}

/**
 * http_clock_date - write the date of now
 * @to: gets HTTP_DATE_LEN characters, and no NUL
 */
void http_clock_date(char *to)
{
	time64_t now = ktime_get_real_seconds();
	unsigned int seq;
	bool fresh;

	do {
		seq = read_seqcount_begin(&clock_seq);
		fresh = clock_second == now;
		memcpy(to, clock_date, HTTP_DATE_LEN);
	} while (read_seqcount_retry(&clock_seq, seq));
	if (unlikely(!fresh))
		clock_advance(now, to);
}
