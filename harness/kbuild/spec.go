package kbuild

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

// Spec says what to build.
type Spec struct {
	// Dir is the module's directory, with a Kbuild or a Makefile that kbuild understands.
	Dir string
	// Root is the directory that is copied. It contains Dir, and everything that Dir names with "../"; how far
	// that reaches only the caller knows. "" is Dir alone.
	Root string
	// Name is the module to return where Dir makes several, with hyphens or underscores. "" is the only one, or
	// the one that is called like Dir.
	Name string
	// Foreign tells that the makefiles are not to be trusted: they run without network, without other processes in
	// sight, and can write to nothing but the copy, where [Isolation] says that this is possible.
	Foreign bool
	Kernel  *kernel.Kernel
	Cache   *cache.Dir
	// Logf says what is being done where it takes time. It may be nil.
	Logf func(format string, args ...any)
}

// Validate reports what is missing in s.
func (s Spec) Validate() error {
	switch {
	case s.Dir == "":
		return errors.New("module without a directory")
	case s.Kernel == nil:
		return errors.New("module without a kernel")
	case s.Cache == nil:
		return errors.New("module without a cache")
	}
	for what, path := range map[string]string{"the cache": s.Cache.Root(), "the kernel tree": s.Kernel.Build} {
		if strings.ContainsAny(path, " \t:") {
			return fmt.Errorf("%w: kbuild cannot work with %s at %q (KTCP_CACHE names the cache)", ErrBadPath, what, path)
		}
	}
	return nil
}

func (s Spec) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}

// place is where the source is.
type place struct {
	shown string // Root as the user knows it, absolute
	root  string // Root without symbolic links
	dir   string // Dir relative to Root: "kweb", "."
}

// locate checks that Dir is a module's directory inside Root.
func (s Spec) locate() (place, error) {
	root := s.Root
	if root == "" {
		root = s.Dir
	}
	shown, err := filepath.Abs(root)
	if err != nil {
		return place{}, err
	}
	physical, err := filepath.EvalSymlinks(shown)
	if err != nil {
		return place{}, fmt.Errorf("%w: %w", ErrNotModule, err)
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return place{}, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return place{}, fmt.Errorf("%w: %w", ErrNotModule, err)
	}
	rel, err := filepath.Rel(physical, dir)
	if err != nil || !filepath.IsLocal(rel) {
		return place{}, fmt.Errorf("%w: %s is not inside %s", ErrNotModule, s.Dir, root)
	}
	if strings.ContainsAny(rel, " \t:") {
		return place{}, fmt.Errorf("%w: kbuild cannot build in %q", ErrBadPath, rel)
	}
	for _, name := range []string{"Kbuild", "Makefile"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return place{shown: shown, root: physical, dir: filepath.ToSlash(rel)}, nil
		}
	}
	return place{}, fmt.Errorf("%w: %s has neither a Kbuild nor a Makefile", ErrNotModule, s.Dir)
}

// source is Dir as the user knows it.
func (p place) source() string { return filepath.Join(p.shown, p.dir) }
