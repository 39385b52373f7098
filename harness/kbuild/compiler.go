package kbuild

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
)

// toolchain is what builds a module.
type toolchain struct {
	make, cc, strip string // paths
	version         string // the compiler's own first line
}

// findToolchain finds the compiler that the kernel was built by. Another major version is not taken in its place: what it
// makes may not even load, and no two machines would then test the same code.
func findToolchain(ctx context.Context, want string) (toolchain, error) {
	var t toolchain
	var err error
	if t.make, err = exec.LookPath("make"); err != nil {
		return t, missing("make", "make")
	}
	if t.strip, err = exec.LookPath("strip"); err != nil {
		return t, missing("strip", "binutils")
	}
	if t.cc, err = findCompiler(ctx, want); err != nil {
		return t, err
	}
	t.version, err = ask(ctx, t.cc, "--version")
	return t, err
}

// findCompiler returns the path of the compiler called want ("gcc-12"), also where it has another name.
func findCompiler(ctx context.Context, want string) (string, error) {
	for _, name := range []string{want, "x86_64-linux-gnu-" + want} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	family, major, _ := strings.Cut(want, "-")
	path, err := exec.LookPath(family)
	if err != nil {
		return "", missing(want, want)
	}
	version, err := ask(ctx, path, "-dumpversion")
	if err != nil {
		return "", err
	}
	if got, _, _ := strings.Cut(version, "."); got != major {
		return "", fmt.Errorf("%w; %s is version %s", missing(want, want), family, version)
	}
	return path, nil
}

func missing(tool, pkg string) error {
	return fmt.Errorf("%w: this kernel's modules are built with %s: run: sudo apt-get install %s", ErrMissingTool, tool, pkg)
}

// answers holds what programs said about themselves, which does not change while this process runs.
var answers sync.Map

// ask returns the first line that a program prints.
func ask(ctx context.Context, path, option string) (string, error) {
	key := path + " " + option
	if a, ok := answers.Load(key); ok {
		return a.(string), nil
	}
	out, err := exec.CommandContext(ctx, path, option).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s: %w", key, errors.New("no answer"))
	}
	answers.Store(key, line)
	return line, nil
}
