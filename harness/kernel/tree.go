package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// builtTree returns the kernel that was built in a source or output directory.
func builtTree(dir string) (*Kernel, error) {
	image := filepath.Join(dir, "arch/x86/boot/bzImage")
	if _, err := os.Stat(image); err != nil {
		return nil, fmt.Errorf("%w: %s has no arch/x86/boot/bzImage%s", ErrNotKernel, dir, guess(dir))
	}
	if err := checkBuildTree(dir); err != nil {
		return nil, err
	}
	release, err := readLine(filepath.Join(dir, "include/config/kernel.release"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKernel, err)
	}
	k := &Kernel{Release: release, Image: image, Build: dir}
	if modules, err := firstOf(dir, "lib/modules/"+release, "usr/lib/modules/"+release); err == nil {
		k.Modules = filepath.Join(dir, modules)
	}
	return k, k.seal(filepath.Join(dir, ".config"), filepath.Join(dir, "Module.symvers"))
}

// guess says what a directory without an image may be instead, and what to do.
func guess(dir string) string {
	has := func(name string) bool { return exists(filepath.Join(dir, name)) }
	switch {
	case has("Kconfig") && has("MAINTAINERS"):
		return ": it is kernel source that is not built (run make there)"
	case has("Module.symvers") && has("include/generated/autoconf.h"):
		return ": it holds headers without an image"
	}
	return ""
}

// checkBuildTree reports what a directory lacks for modules to be built against it.
func checkBuildTree(dir string) error {
	var lacks []string
	for _, name := range []string{"Makefile", ".config", "Module.symvers", "include/generated/autoconf.h", "scripts/mod/modpost"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			lacks = append(lacks, name)
		}
	}
	if lacks != nil {
		return fmt.Errorf("%w: %s lacks %s", ErrNoHeaders, dir, strings.Join(lacks, ", "))
	}
	return nil
}

// runningKernel returns the kernel that this machine runs.
func runningKernel() (*Kernel, error) {
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	var release strings.Builder
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		release.WriteByte(byte(c))
	}
	return installedKernel("/", release.String())
}

// installedKernel returns the kernel of that release that is installed below root.
func installedKernel(root, release string) (*Kernel, error) {
	const instead = "or leave KERNEL= empty for a packaged kernel"
	image, err := firstOf(root, "boot/vmlinuz-"+release, "lib/modules/"+release+"/vmlinuz", "usr/lib/modules/"+release+"/vmlinuz")
	if err != nil {
		return nil, fmt.Errorf("%w: the running kernel %s has no /boot/vmlinuz-%s, as in a container (%s)", ErrNotKernel, release, release, instead)
	}
	image = filepath.Join(root, image)
	f, err := os.Open(image)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: run: sudo chmod a+r %s (%s)", ErrUnreadable, image, instead)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	f.Close()
	modules := filepath.Join(root, "lib/modules", release)
	build := filepath.Join(modules, "build")
	if _, err := os.Stat(build); err != nil {
		return nil, fmt.Errorf("%w: %s is not there: run: sudo apt-get install linux-headers-%s (%s)", ErrNoHeaders, build, release, instead)
	}
	if build, err = filepath.EvalSymlinks(build); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoHeaders, err)
	}
	if err := checkBuildTree(build); err != nil {
		return nil, err
	}
	k := &Kernel{Release: release, Image: image, Build: build, Modules: modules}
	return k, k.seal(filepath.Join(build, ".config"), filepath.Join(build, "Module.symvers"))
}

func readLine(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), nil
}
