package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const treeRelease = "6.1.5-lean"

// tree returns the files of a kernel that was built in its source directory.
func tree() map[string]string {
	return map[string]string{
		"Makefile":                      "",
		"arch/x86/boot/bzImage":         "image",
		".config":                       strings.ReplaceAll(goodConfig, "=m", "=y"),
		"Module.symvers":                "",
		"include/generated/autoconf.h":  "",
		"include/config/kernel.release": treeRelease + "\n",
		"scripts/mod/modpost":           "",
	}
}

func TestBuiltTree(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, tree())
	spec := Spec{Want: dir, Cache: openCache(t)}
	k, err := Provision(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if k.Release != treeRelease || k.Build != dir || k.Image != filepath.Join(dir, "arch/x86/boot/bzImage") || k.Modules != "" || k.CC != "gcc-12" || k.Flavor != Stock {
		t.Errorf("kernel = %+v", k)
	}
	// The ID follows the content.
	ids := map[string]string{k.ID: "the first"}
	for _, change := range []map[string]string{
		{"arch/x86/boot/bzImage": "another image"},
		{"Module.symvers": "0x1\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n"},
		{".config": tree()[".config"] + "CONFIG_KASAN=y\n"},
		{"include/config/kernel.release": "6.1.6-lean\n"},
	} {
		writeTree(t, dir, change)
		again, err := Provision(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := ids[again.ID]; ok {
			t.Errorf("after %v the ID is that of %s", change, other)
		}
		ids[again.ID] = "another"
	}
	// Modules that were installed into the tree belong to it.
	writeTree(t, dir, map[string]string{"lib/modules/6.1.6-lean/modules.builtin": ""})
	if k, err = Provision(t.Context(), spec); err != nil || k.Modules != filepath.Join(dir, "lib/modules/6.1.6-lean") {
		t.Errorf("Modules = %q, %v", k.Modules, err)
	}
}

func TestNotABuiltTree(t *testing.T) {
	tests := []struct {
		name   string
		change func(files map[string]string)
		want   error
		text   string
	}{
		{"empty", func(f map[string]string) { clear(f); f["README"] = "" }, ErrNotKernel, "has no arch/x86/boot/bzImage"},
		{"source", func(f map[string]string) { clear(f); f["Kconfig"], f["MAINTAINERS"] = "", "" }, ErrNotKernel, "not built (run make"},
		{"headers", func(f map[string]string) { delete(f, "arch/x86/boot/bzImage") }, ErrNotKernel, "headers without an image"},
		{"no symvers", func(f map[string]string) { delete(f, "Module.symvers") }, ErrNoHeaders, "lacks Module.symvers"},
		{"no release", func(f map[string]string) { delete(f, "include/config/kernel.release") }, ErrNotKernel, "kernel.release"},
		{"arm64", func(f map[string]string) { f[".config"] = "CONFIG_ARM64=y\n" }, ErrArch, treeRelease},
		{"no virtio", func(f map[string]string) { f[".config"] = "CONFIG_X86_64=y\nCONFIG_NET_NS=y\n" }, ErrNoVirtio, "CONFIG_VIRTIO_PCI is not set"},
		{"virtio as modules that are not there", func(f map[string]string) { f[".config"] = goodConfig }, ErrNoVirtio, "modules are not there"},
	}
	for _, tt := range tests {
		files := tree()
		tt.change(files)
		dir := t.TempDir()
		writeTree(t, dir, files)
		_, err := Provision(t.Context(), Spec{Want: dir, Cache: openCache(t)})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line, %v, with %q", tt.name, err, tt.want, tt.text)
		}
	}
}

func TestInstalledKernel(t *testing.T) {
	const release = "6.1.0-1-cloud-amd64"
	root := t.TempDir()
	if _, err := installedKernel(root, release); !errors.Is(err, ErrNotKernel) || !strings.Contains(err.Error(), "container") {
		t.Errorf("no image: %v", err)
	}
	files := installed(release)
	build := "lib/modules/" + release + "/build"
	delete(files, build)
	writeTree(t, root, files)
	if _, err := installedKernel(root, release); !errors.Is(err, ErrNoHeaders) || !strings.Contains(err.Error(), "apt-get install linux-headers-"+release) {
		t.Errorf("no headers: %v", err)
	}
	writeTree(t, root, map[string]string{build: "-> ../../../usr/src/linux-headers-" + release})
	k, err := installedKernel(root, release)
	if err != nil {
		t.Fatal(err)
	}
	if k.Modules != filepath.Join(root, "lib/modules", release) || k.Build != filepath.Join(root, "usr/src/linux-headers-"+release) {
		t.Errorf("kernel = %+v", k)
	}
}

func TestUnreadableImage(t *testing.T) {
	const release = "6.8.0-1-generic"
	root, err := os.MkdirTemp("", "installed-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	writeTree(t, root, installed(release))
	image := filepath.Join(root, "boot/vmlinuz-"+release)
	for path, mode := range map[string]os.FileMode{image: 0, root: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		// Permissions do not bind root: look at the file as nobody, in this thread alone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := unix.SetfsuidRetUid(0); err != nil {
				t.Fatal(err)
			}
		}()
	}
	if _, err := installedKernel(root, release); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), "sudo chmod a+r "+image) {
		t.Errorf("unreadable image: %v", err)
	}
}
