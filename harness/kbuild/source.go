package kbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ktcp/harness/cache"
)

// maxSource is the most that is copied of a source directory, in bytes. Modules are a few hundred KiB; a directory
// that is larger holds something else, and copying it would only fill the cache.
const maxSource = 256 << 20

// leftovers are the suffixes of what builds leave behind. A stale object or command file would be taken for a fresh one.
var leftovers = []string{".o", ".ko", ".mod", ".mod.c", ".cmd", ".a", ".d", ".dwo", ".gcno", ".gcda", ".symtypes", ".su", ".swp", ".orig", ".rej", "~"}

// tree is a source directory as far as it is relevant to a build.
type tree struct {
	root string
	size int64
	// names are the files, links and directories of the last scan, relative and with slashes.
	names map[string]bool
	// Links that lead outside are left out: a build must see neither files that its digest does not cover
	// nor somebody's private ones.
	outside []string
}

// keep tells which files belong to the source. It is for [cache.TreeKey], and asked about directories too. When the context has ended, or
// there is too much, it is nothing: a walk through the wrong directory takes long.
func (t *tree) keep(ctx context.Context, rel string, d fs.DirEntry) bool {
	name := d.Name()
	switch {
	case t.size > maxSource, ctx.Err() != nil:
		return false
	case d.IsDir():
		return name[0] != '.'
	case d.Type()&fs.ModeSymlink != 0:
		if t.leadsOutside(rel) {
			t.outside = append(t.outside, rel)
			return false
		}
		return !leftover(name)
	case !d.Type().IsRegular() || leftover(name):
		return false
	}
	if info, err := d.Info(); err == nil {
		t.size += info.Size()
	}
	return t.size <= maxSource
}

// leftover reports whether a file of that name was made by a build or an editor.
func leftover(name string) bool {
	switch name {
	case "Module.symvers", "modules.order", ".cache.mk", ".gitignore", ".gitattributes", ".gitmodules", ".git":
		return true
	}
	for _, suffix := range leftovers {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(name, ".tmp_")
}

// leadsOutside reports whether a link's target is anywhere but inside the tree.
func (t *tree) leadsOutside(rel string) bool {
	target, err := os.Readlink(filepath.Join(t.root, rel))
	return err != nil || path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(rel), target))
}

// scan walks the tree and returns its digest, and the digest of everything in it but the contents of C files.
func (t *tree) scan(ctx context.Context) (digest, frame string, err error) {
	t.size, t.outside = 0, nil
	all := func(rel string, d fs.DirEntry) bool { return t.keep(ctx, rel, d) }
	if digest, err = cache.TreeKey(t.root, all); err != nil {
		return "", "", err
	}
	if t.size > maxSource {
		return "", "", fmt.Errorf("%w: %s holds more than %d MiB: give the module's own directory", ErrTooLarge, t.root, maxSource>>20)
	}
	t.size, t.outside, t.names = 0, nil, map[string]bool{}
	var sources []string
	frame, err = cache.TreeKey(t.root, func(rel string, d fs.DirEntry) bool {
		if !all(rel, d) {
			return false
		}
		t.names[rel] = true
		if d.Type().IsRegular() && isC(rel) {
			sources = append(sources, rel)
			return false
		}
		return true
	})
	return digest, cache.Key(append(sources, frame)...), errors.Join(err, ctx.Err())
}

// isC tells which files kbuild itself knows how to compile or to track.
func isC(name string) bool {
	return strings.HasSuffix(name, ".c") || strings.HasSuffix(name, ".h") || strings.HasSuffix(name, ".S")
}

// copyTo makes the files in dst those of the tree that was scanned. Those that are the same already are not touched, so
// that make sees which ones are new. What else is in dst stays.
func (t *tree) copyTo(dst string) error {
	for rel := range t.names {
		if err := copyEntry(filepath.Join(t.root, rel), filepath.Join(dst, rel)); err != nil {
			return fmt.Errorf("copy source: %w", err)
		}
	}
	return nil
}

// copied returns the digest of the copy in dst.
func (t *tree) copied(dst string) (string, error) {
	return cache.TreeKey(dst, func(rel string, _ fs.DirEntry) bool { return t.names[rel] })
}

// copyEntry copies a file, a link or a directory without what it holds.
func copyEntry(src, dst string) error {
	info, err := os.Lstat(src)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return os.MkdirAll(dst, 0o755)
	case info.Mode()&fs.ModeSymlink != 0:
		return copyLink(src, dst)
	}
	want, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	mode := 0o644 | info.Mode().Perm()&0o111
	if old, err := os.Lstat(dst); err == nil && old.Mode() == mode {
		if have, err := os.ReadFile(dst); err == nil && bytes.Equal(have, want) {
			return nil
		}
	}
	if err := makeRoom(dst); err != nil {
		return err
	}
	if err := os.WriteFile(dst, want, mode); err != nil {
		return err
	}
	return os.Chmod(dst, mode) // whatever the umask says: the digest covers the executable bits
}

func copyLink(src, dst string) error {
	target, err := os.Readlink(src)
	if err != nil {
		return err
	}
	if have, err := os.Readlink(dst); err == nil && have == target {
		return nil
	}
	if err := makeRoom(dst); err != nil {
		return err
	}
	return os.Symlink(target, dst)
}

// makeRoom makes dst's directory and removes what is in its place.
func makeRoom(dst string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	return os.RemoveAll(dst)
}
