/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include <string.h>
#include <strings.h>
