// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/kernel.h>

#include "words.h"

const char *hello_word(void)
{
	return "hello";
}
