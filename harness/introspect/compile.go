package introspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"ktcp/harness/apt"
	"ktcp/harness/kernel"
)

// definers are the kernel's source files that define the structures that are wanted, by the name of the object that each
// is compiled to. See [kernel.LayoutSources], which keeps them.
var definers = map[string]string{"slub": "mm/slub.c", "depot": "lib/stackdepot.c"}

// hasSources reports whether the tree of a kernel holds them.
func hasSources(k *kernel.Kernel) bool {
	for _, source := range definers {
		if _, err := os.Stat(filepath.Join(k.Build, source)); err != nil {
			return false
		}
	}
	return true
}

// compile reads the layouts from the DWARF of the definers, which it compiles outside of the kernel's tree, with its configuration.
func (s Source) compile(ctx context.Context) (l *Layout, err error) {
	dir, release, err := s.Cache.Scratch("layout")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	build, err := filepath.EvalSymlinks(s.Kernel.Build)
	if err != nil {
		return nil, err
	}
	argv := []string{"make", "-C", build, "M=" + dir, "--no-print-directory",
		// What nothing in the file uses is described as well.
		"KCFLAGS=-g -fno-eliminate-unused-debug-types"}
	// Of which version the compiler is does not matter here: the layout is that of the ABI.
	if _, err := exec.LookPath(s.Kernel.CC); err == nil {
		argv = append(argv, "CC="+s.Kernel.CC)
	}
	kbuild := "obj-m :="
	for object, source := range definers {
		// It is part of the kernel and not of a module, which has one function for init.
		text := fmt.Sprintf("#undef MODULE\n#include %q\n", filepath.Join(build, source))
		if err := os.WriteFile(filepath.Join(dir, object+".c"), []byte(text), 0o644); err != nil {
			return nil, err
		}
		kbuild += " " + object + ".o"
		argv = append(argv, object+".o")
	}
	if err := os.WriteFile(filepath.Join(dir, "Kbuild"), []byte(kbuild+"\n"), 0o644); err != nil {
		return nil, err
	}
	if _, err := apt.Run(ctx, dir, nil, argv...); err != nil {
		return nil, fmt.Errorf("compile for layouts: %w", err)
	}
	l = newLayout()
	for object := range definers {
		found, err := layoutOfObject(filepath.Join(dir, object+".o"))
		if err != nil {
			return nil, err
		}
		l.add(found)
	}
	return l, nil
}
