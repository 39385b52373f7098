/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef HELLO_WORDS_H
#define HELLO_WORDS_H

const char *hello_word(void);

#endif
