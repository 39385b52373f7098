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

/* As the kernel's tables are, of which there are many in a module. */
static const char *table[] __attribute__((used, section("__table"))) = { "b" };
