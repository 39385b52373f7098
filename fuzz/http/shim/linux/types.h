/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* As much of the kernel's header as the parser needs, for user space. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define U64_MAX UINT64_MAX
#define fallthrough __attribute__((__fallthrough__))

#endif
