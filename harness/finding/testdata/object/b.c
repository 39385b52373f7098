#include "object.h"

/* The same name as in a.c, but more code: only its size tells them apart in a stack dump. */
static noinline int helper(int n)
{
	int i;

	for (i = 0; i < n; i++)
		sink += opaque(i) * n; /* mark helper-b */
	return sink;
}

int second(int n)
{
	return helper(n) - 1; /* mark second */
}
