package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ktcp/harness/cache"
)

// qemuCommand is the emulator's usual name, and qemuPackage the Debian and Ubuntu package that holds it.
const (
	qemuCommand = "qemu-system-x86_64"
	qemuPackage = "qemu-system-x86"
)

// emulator is a QEMU that was found.
type emulator struct {
	path    string // absolute, symbolic links resolved
	version string // "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"
	id      string // a digest that changes when the file does
}

// findEmulator looks for command, and for what it is started through. Asking QEMU for its version takes a tenth of a
// second, so the answer is kept in the cache.
func findEmulator(ctx context.Context, c *cache.Dir, command string) (emulator, error) {
	if _, err := exec.LookPath(guardCommand); err != nil {
		return emulator{}, fmt.Errorf("%s not found: QEMU is started through it (install the package util-linux)", guardCommand)
	}
	path, err := exec.LookPath(command)
	if err != nil {
		return emulator{}, fmt.Errorf("%w: no %s on PATH (install the package %s)", ErrNoQEMU, command, qemuPackage)
	}
	if path, err = filepath.EvalSymlinks(path); err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return emulator{}, fmt.Errorf("%w: %w", ErrNoQEMU, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return emulator{}, fmt.Errorf("%w: %w", ErrNoQEMU, err)
	}
	id := cache.Key(path, fmt.Sprint(info.Size()), info.ModTime().UTC().String())
	entry, err := c.Entry(ctx, "qemu", id, func(ctx context.Context, tmp string) error {
		out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s --version: %w: %s", ErrNoQEMU, path, err, lastLine(out))
		}
		return os.WriteFile(filepath.Join(tmp, "version"), out, 0o644)
	})
	if err != nil {
		return emulator{}, err
	}
	out, err := os.ReadFile(filepath.Join(entry, "version"))
	if err != nil {
		return emulator{}, fmt.Errorf("read version of %s: %w", path, err)
	}
	version, _, _ := strings.Cut(string(out), "\n")
	return emulator{path: path, version: version, id: id}, nil
}
