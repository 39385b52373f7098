// SPDX-License-Identifier: GPL-2.0 OR MIT
#error "only the default target compiles this"
