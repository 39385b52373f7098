// SPDX-License-Identifier: GPL-2.0 OR MIT
/* libFuzzer's way in. */

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_all(data, size);
	return 0;
}
