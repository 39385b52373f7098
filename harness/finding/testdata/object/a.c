/* Compiled by the tests of the symbolizer, together with b.c. Comments of the form "mark NAME" name lines. */
#include "object.h"

int counter = 1; /* mark counter */

static noinline int helper(int n)
{
	sink += n; /* mark helper-a */
	return n;
}

static inline __attribute__((always_inline)) int inner(int n)
{
	return opaque(n) + 1; /* mark inner */
}

static inline __attribute__((always_inline)) int outer(int n)
{
	return inner(n + 2) * 3; /* mark outer */
}

int accept_one(int n)
{
	sink += helper(n);
	return outer(n) + sink; /* mark accept */
}

void stops_here(void)
{
	never_returns(); /* mark never */
}

int __init first(int n)
{
	return opaque(n) + 7; /* mark init */
}

int __exit last(int n)
{
	return opaque(n) + 9; /* mark exit */
}
