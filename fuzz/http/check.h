/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What must hold for every input. */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Where a stream of requests is cut: the length of the piece at an offset. */
typedef size_t (*check_cut)(size_t off, size_t left, size_t how);

void check_split(const uint8_t *data, size_t size, check_cut cut, size_t how);
void check_all(const uint8_t *data, size_t size);

#endif
