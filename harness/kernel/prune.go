package kernel

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// keptDirs are the parts of a built tree that modules are built with. The rest is a gigabyte of source and objects.
var keptDirs = []string{"arch", "include", "scripts", "tools"}

// LayoutSources are the source files, as patterns, that a built tree keeps, because a kernel without BTF does not say in another way how
// its allocator's structures are laid out: see ktcp/harness/introspect.
var LayoutSources = []string{"mm/slub.c", "mm/*.h", "lib/stackdepot.c"}

// keepsSource reports whether a file below the tree is one of them.
func keepsSource(rel string) bool {
	return slices.ContainsFunc(LayoutSources, func(pattern string) bool {
		ok, _ := filepath.Match(pattern, rel) // they are well-formed
		return ok
	})
}

// pruneSources removes a directory of the tree, but for the sources that are kept.
func pruneSources(tree, dir string) error {
	kept := slices.ContainsFunc(LayoutSources, func(p string) bool { return filepath.Dir(p) == dir })
	if !kept {
		return os.RemoveAll(filepath.Join(tree, dir))
	}
	all, err := os.ReadDir(filepath.Join(tree, dir))
	if err != nil {
		return err
	}
	for _, e := range all {
		if rel := filepath.Join(dir, e.Name()); e.IsDir() || !keepsSource(rel) {
			if err := os.RemoveAll(filepath.Join(tree, rel)); err != nil {
				return err
			}
		}
	}
	return nil
}

// prune removes from a built tree what no module needs, but leaves the makefiles, which include each other.
func prune(tree string) error {
	top, err := os.ReadDir(tree)
	if err != nil {
		return err
	}
	for _, e := range top {
		path := filepath.Join(tree, e.Name())
		switch {
		case e.IsDir() && !slices.Contains(keptDirs, e.Name()):
			err = pruneSources(tree, e.Name())
		case !e.IsDir() && (strings.HasSuffix(e.Name(), ".o") || strings.HasSuffix(e.Name(), ".a") || e.Name() == "vmlinux" || e.Name() == "vmlinux.unstripped"):
			err = os.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	if err := pruneArchitectures(filepath.Join(tree, "arch")); err != nil {
		return err
	}
	if err := pruneTools(filepath.Join(tree, "tools")); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(tree, "arch"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".o", ".a", ".c", ".S", ".cmd", ".dtb":
			return os.Remove(path)
		}
		if d.Name() == "vmlinux" || strings.HasPrefix(d.Name(), "vmlinux.bin") {
			return os.Remove(path)
		}
		return nil
	})
}

// pruneArchitectures leaves only x86.
func pruneArchitectures(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.IsDir() && e.Name() != "x86" {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// pruneTools leaves objtool, which looks at every object of a module, and what its makefile includes.
func pruneTools(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.IsDir() && !slices.Contains([]string{"objtool", "build", "scripts", "include", "arch"}, e.Name()) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
