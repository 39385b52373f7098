package kbuild

import (
	"path/filepath"
	"testing"

	"ktcp/harness/kernel"
)

// fakeMakefile builds modules as kbuild does, as far as these tests can tell, in a hundredth of the time.
const fakeMakefile = `
obj := $(M)
src := $(M)
CURRENT := $(firstword $(wildcard $(M)/Kbuild $(M)/Makefile))
include $(CURRENT)

define module
$(M)/$(1).ko: $(addprefix $(M)/,$(or $($(1)-y),$(1).o)) $(CURRENT)
	@echo "  LD [M]  $$@"
	@ld -r -o $$@ $$(filter %.o,$$^)
endef
$(foreach m,$(obj-m:.o=),$(eval $(call module,$(m))))

$(M)/%.o: $(M)/%.c $(CURRENT)
	@echo "  CC [M]  $@"
	@$(CC) $(KCFLAGS) $(ccflags-y) -I$(CURDIR)/include -MMD -c -o $@ $<

-include $(wildcard $(M)/*.d)
modules: $(addprefix $(M)/,$(obj-m:.o=.ko))
	@:
`

// fakeHeaders stand for those of a kernel.
var fakeHeaders = map[string]string{
	"module.h": "#define __init\n#define __exit\n#define MODULE_LICENSE(x)\n#define MODULE_DESCRIPTION(x)\n#define pr_info(...)\n" +
		"#define module_init(f) int init_module(void) { return f(); }\n#define module_exit(f) void cleanup_module(void) { f(); }\n" +
		"#define module_param(name, type, mode) type *param_##name = &name\n",
	"kernel.h": "",
}

// fakeKernel returns a kernel whose build tree is a few lines of make: for tests of what surrounds kbuild.
func fakeKernel(tb testing.TB) *kernel.Kernel {
	tb.Helper()
	dir := tb.TempDir()
	mkdir(tb, filepath.Join(dir, "include/linux"))
	write(tb, filepath.Join(dir, "Makefile"), fakeMakefile)
	for name, content := range fakeHeaders {
		write(tb, filepath.Join(dir, "include/linux", name), content)
	}
	return &kernel.Kernel{Release: "0.0.1-fake", Build: dir, CC: "gcc", ID: "fake", Config: map[string]string{"CONFIG_DEBUG_INFO": "y"}}
}
