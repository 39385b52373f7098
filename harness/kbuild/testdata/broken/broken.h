/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#define FIRST(x) ((x)->first)
