# SPDX-License-Identifier: GPL-2.0 OR MIT
#
# Compiles the core into a module. A module's Kbuild sets nothing but its own
# objects, includes this, and adds $(ktcp-core):
#
#	include $(dir $(lastword $(MAKEFILE_LIST)))../core/core.mk
#	obj-m := kweb.o
#	kweb-y := main.o $(ktcp-core)
#
# The objects go to core/ below the module's own directory, because two modules
# cannot share one, and nothing is written beside the sources.

ktcp-root := $(realpath $(dir $(lastword $(MAKEFILE_LIST)))..)
ktcp-core := $(patsubst %,core/%.o,core server accept conn io recv send sweep \
	service sysfs param)

# The rule has kbuild's own target pattern, so that kbuild derives the module's
# name from the stem as it does for a source of its own. The path is absolute
# and without "..": debuggers show it as it is.
$(obj)/%.o: $(ktcp-root)/%.c FORCE
	$(call if_changed_rule,cc_o_c)
