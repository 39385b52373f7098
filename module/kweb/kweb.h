/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef KWEB_H
#define KWEB_H

#include "../core/ktcp.h"

extern const struct ktcp_proto kweb_proto;

#endif
