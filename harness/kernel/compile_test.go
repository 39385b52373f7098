package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

// sourceMakefile stands in for a kernel's: it takes the options that it is given, except LOST, and builds nothing.
const sourceMakefile = `
alldefconfig:
	grep -v "^CONFIG_LOST=" $(KCONFIG_ALLCONFIG) >.config
	grep -v "^CONFIG_$(LOSE)=" .config >.config.new; mv .config.new .config
	echo CONFIG_GCC_VERSION=120200 >>.config; echo CONFIG_X86_64=y >>.config
bzImage modules:
	@echo "  CC      a.o"
	mkdir -p arch/x86/boot arch/arm include/config include/generated scripts/mod drivers tools/objtool tools/perf
	echo image >arch/x86/boot/bzImage
	echo source >arch/x86/a.c
	echo 6.1.10-kasan >include/config/kernel.release
	touch include/generated/autoconf.h scripts/mod/modpost Module.symvers vmlinux drivers/a.c
.PHONY: alldefconfig bzImage modules
.NOTPARALLEL:
`

// publishSource adds the package of a kernel's source, whose makefile it is given.
func (a *archive) publishSource(name, version, path, makefile string) {
	a.tb.Helper()
	dir := a.tb.TempDir()
	writeTree(a.tb, dir, map[string]string{"linux/Makefile": makefile, "linux/pad": strings.Repeat("0123456789abcdef", 1<<17)})
	tarball := filepath.Join(dir, "t.tar")
	if out, err := exec.Command("tar", "-cf", tarball, "-C", dir, "linux").CombinedOutput(); err != nil {
		a.tb.Fatalf("tar: %v\n%s", err, out)
	}
	text, err := os.ReadFile(tarball)
	if err != nil {
		a.tb.Fatal(err)
	}
	a.build(name, version, "", map[string]string{path: string(text)})
}

// flavored is Provision of a flavor with the apt of an archive.
func (a *archive) flavored(ctx context.Context, c *cache.Dir, want, flavor string) (*Kernel, []string, error) {
	var said []string
	p := newProvisioner(Spec{Want: want, Flavor: flavor, Cache: c, Logf: func(format string, args ...any) {
		said = append(said, fmt.Sprintf(format, args...))
	}})
	p.apt.System = a.system
	r, err := parseRequest(want)
	if err != nil {
		return nil, nil, err
	}
	k, err := p.packaged(ctx, r)
	return k, said, err
}

func TestFlavorIsBuiltOnce(t *testing.T) {
	for name, path := range map[string]string{
		"linux-source-6.1":   "usr/src/linux-source-6.1.tar.xz",
		"linux-source-6.1.0": "usr/src/linux-source-6.1.0/linux-source-6.1.0.tar.bz2", // as in Ubuntu
	} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			t.Setenv("APT_CONFIG", a.conf)
			a.publishSource(name, "6.1.10-1", path, sourceMakefile)
			a.update()
			c := openCache(t)
			k, _, err := a.flavored(t.Context(), c, "6.1", KASAN)
			if err != nil {
				t.Fatal(err)
			}
			if k.Release != "6.1.10-kasan" || k.Flavor != KASAN || k.CC != "gcc-12" || k.Modules != "" || k.Config["CONFIG_KASAN"] != "y" {
				t.Errorf("kernel = %+v", k)
			}
			if err := k.CheckVirtio(); err != nil {
				t.Error(err)
			}
			for _, gone := range []string{"vmlinux", "drivers", "arch/arm", "arch/x86/a.c", "tools/perf", "../.source"} {
				if exists(filepath.Join(k.Build, gone)) {
					t.Errorf("%s is still there", gone)
				}
			}
			defer func() { // without a network
				a.withdraw()
				a.update()
				old, _, err := a.flavored(t.Context(), c, "6.1", KASAN)
				if err != nil || old.ID != k.ID {
					t.Errorf("with nothing to be had: %v", err)
				}
			}()
			again, said, err := a.flavored(t.Context(), c, "6.1", KASAN)
			if err != nil || again.ID != k.ID || said != nil {
				t.Errorf("the second time: %v, said %q", err, said)
			}
		})
	}
}

func TestFlavorThatDoesNotStick(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	t.Setenv("LOSE", "KASAN_INLINE")
	a.publishSource("linux-source-6.1", "6.1.10-1", "usr/src/linux-source-6.1.tar.xz", sourceMakefile)
	a.update()
	c := openCache(t)
	_, _, err := a.flavored(t.Context(), c, "6.1", KASAN)
	if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "CONFIG_KASAN_INLINE=y (it is not set)") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Root(), cacheKind, "*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestFlavorWhoseBuildFails(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publishSource("linux-source-6.1", "6.1.10-1", "usr/src/linux-source-6.1.tar.xz",
		sourceMakefile+"modules: fail\nfail:\n\t@echo 'a.c:1: error: no such thing' >&2; exit 1\n")
	a.update()
	_, _, err := a.flavored(t.Context(), openCache(t), "6.1", KASAN)
	var failed *apt.CommandError
	if !errors.As(err, &failed) || !strings.Contains(failed.Detail(), "no such thing") {
		t.Errorf("%v", err)
	}
}

func TestFlavorWithoutSource(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publishSource("linux-source-6.12", "6.12.1-1", "usr/src/linux-source-6.12.tar.xz", sourceMakefile)
	a.update()
	_, _, err := a.flavored(t.Context(), openCache(t), "6.1", KASAN)
	if !errors.Is(err, ErrNoPackage) || !strings.Contains(err.Error(), "apt offers the source of 6.12") {
		t.Errorf("%v", err)
	}
}
