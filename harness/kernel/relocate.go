package kernel

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// here is make's expression for the directory of the makefile that is being read.
const here = "$(dir $(lastword $(MAKEFILE_LIST)))"

// relocate makes unpacked packages independent of where they lie: symbolic links and the makefiles of header trees
// name other parts of the packages by absolute path, as if they were installed. Both become relative, so that the
// tree may still be moved afterwards.
func relocate(root string) error {
	if err := relocateLinks(root); err != nil {
		return fmt.Errorf("relocate links: %w", err)
	}
	trees, err := filepath.Glob(filepath.Join(root, "usr/src/linux-headers-*"))
	if err != nil {
		return err
	}
	for _, tree := range trees {
		for _, name := range []string{"Makefile", ".kernelvariables"} {
			if err := relocateMakefile(root, filepath.Join(tree, name)); err != nil {
				return fmt.Errorf("relocate makefile: %w", err)
			}
		}
	}
	return nil
}

// relocateLinks makes absolute links relative where their target is inside root.
func relocateLinks(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := os.Readlink(path)
		if err != nil || !filepath.IsAbs(target) {
			return err
		}
		if !exists(filepath.Join(root, target)) {
			return nil // to a package that is not here, such as documentation
		}
		relative, err := filepath.Rel(filepath.Dir(path), filepath.Join(root, target))
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink(relative, path)
	})
}

// relocateMakefile replaces paths below /usr/src and /usr/lib in a makefile by ones that start from the makefile itself.
// Large makefiles are the kernel's own, which know no such paths, and links lead to them.
func relocateMakefile(root, path string) error {
	if !exists(path) {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	up, err := filepath.Rel(filepath.Dir(path), root)
	if err != nil {
		return err
	}
	var changed bytes.Buffer
	for line := range strings.Lines(string(text)) {
		for _, prefix := range []string{"/usr/src/linux-", "/usr/lib/linux-kbuild-"} {
			line = strings.ReplaceAll(line, prefix, here+up+prefix)
		}
		changed.WriteString(line)
	}
	if bytes.Equal(changed.Bytes(), text) {
		return nil
	}
	// Packages may have made the file read-only.
	if err := os.Chmod(path, info.Mode().Perm()|0o200); err != nil {
		return err
	}
	return os.WriteFile(path, changed.Bytes(), info.Mode().Perm())
}

// exists reports whether there is anything at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
