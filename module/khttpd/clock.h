/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The Date of answers. kweb is compiled with it, too. */
#ifndef KHTTPD_CLOCK_H
#define KHTTPD_CLOCK_H

void http_clock_date(char *to);

#endif
