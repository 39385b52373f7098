# SPDX-License-Identifier: GPL-2.0 OR MIT
#
# What a person runs in a module's directory: make, make clean. The build
# itself is described in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean
	@rmdir core khttpd 2>/dev/null || :

.PHONY: modules clean
