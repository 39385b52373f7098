package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ktcp/harness/cache"
)

func openCache(tb testing.TB) *cache.Dir {
	tb.Helper()
	c, err := cache.OpenAt(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// writeTree writes files below dir. A content of "-> X" is a symbolic link to X.
func writeTree(tb testing.TB, dir string, files map[string]string) {
	tb.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// installed are the files of a packaged kernel, with the absolute paths that packages have.
func installed(release string) map[string]string {
	headers, common := "usr/src/linux-headers-"+release, "usr/src/linux-headers-6.1.0-1-common"
	return map[string]string{
		"boot/vmlinuz-" + release:                        "image",
		"lib/modules/" + release + "/modules.builtin":    "kernel/a.ko\n",
		"lib/modules/" + release + "/build":              "-> /" + headers,
		"lib/modules/" + release + "/source":             "-> /" + common,
		"lib/modules/" + release + "/elsewhere":          "-> /nowhere/at/all",
		headers + "/Makefile":                            "include /" + common + "/Makefile\n",
		headers + "/.kernelvariables":                    "TOOLS = /usr/lib/linux-kbuild-6.1/scripts\n",
		headers + "/.config":                             goodConfig,
		headers + "/Module.symvers":                      "0x1\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n",
		headers + "/include/generated/autoconf.h":        "",
		headers + "/scripts":                             "-> ../../lib/linux-kbuild-6.1/scripts",
		common + "/Makefile":                             "include .kernelvariables\nwhere:\n\t@echo $(realpath $(TOOLS)) $(MAKEFILE_LIST)\n",
		"usr/lib/linux-kbuild-6.1/scripts/mod/modpost":   "tool",
		"usr/share/doc/linux-image-" + release + "/copy": "doc",
	}
}

const goodConfig = "CONFIG_X86_64=y\nCONFIG_GCC_VERSION=120200\nCONFIG_VIRTIO_PCI=m\nCONFIG_VIRTIO_CONSOLE=m\n" +
	"CONFIG_NET_NS=y\nCONFIG_SYSFS=y\nCONFIG_MODULES=y\nCONFIG_BLK_DEV_INITRD=y\n"

func TestRelocate(t *testing.T) {
	const release = "6.1.0-1-cloud-amd64"
	root := filepath.Join(t.TempDir(), "unpacked here")
	writeTree(t, root, installed(release))
	if err := relocate(root); err != nil {
		t.Fatal(err)
	}
	// Moved afterwards, as an entry of the cache is, to a place without the space that make cannot have.
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(root, moved); err != nil {
		t.Fatal(err)
	}
	build := filepath.Join(moved, "lib/modules", release, "build")
	for link, want := range map[string]string{
		build: "../../../usr/src/linux-headers-" + release,
		filepath.Join(moved, "lib/modules", release, "elsewhere"): "/nowhere/at/all",
	} {
		if got, err := os.Readlink(link); err != nil || got != want {
			t.Errorf("%s leads to %q (%v), want %q", link, got, err, want)
		}
	}
	out, err := exec.Command("make", "-s", "-C", build, "where").CombinedOutput()
	if err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	if want := filepath.Join(moved, "usr/lib/linux-kbuild-6.1/scripts"); !strings.HasPrefix(string(out), want+" ") {
		t.Errorf("make found the tools at %q, want %q", out, want)
	}
	if strings.Contains(string(out), " /usr/src") {
		t.Errorf("make read a makefile of the system: %s", out)
	}
}
