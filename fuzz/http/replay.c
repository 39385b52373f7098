// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Without libFuzzer: holds the files named on the command line to the same
 * properties, and cuts each in two at every place.
 */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

/* Longer ones are cut at so many places. */
#define CUTS_MOST 256

static size_t in_two(size_t off, size_t left, size_t how)
{
	return off ? left : how;
}

static void replay(const char *name)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(name, "rb");
	size_t size, at;

	if (!file) {
		perror(name);
		exit(2);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);

	fprintf(stderr, "%s\n", name);
	check_all(data, size);
	for (at = 1; at < size; at += 1 + size / CUTS_MOST)
		check_split(data, size, in_two, at);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("replayed %d\n", argc - 1);
	return 0;
}
