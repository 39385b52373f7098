package kbuild

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ktcp/harness/cache"
)

// workshopKind is the place in the cache where copies are built. They stay there, so that kbuild compiles again only
// what an edit changed.
const workshopKind = "builds"

// keepWorkshop is how long a copy that nobody builds in stays in the cache.
const keepWorkshop = 3 * 24 * time.Hour

// intactFile marks a workshop where make has come to its end: no object in it is half-written.
const intactFile = "intact"

// workshop is a directory where one build at a time takes place.
//
// It is shared only by builds that differ in nothing but the content of C files, for which kbuild's own dependencies
// decide soundly what must be compiled again. Whatever else changes (a makefile, a script, the set of files, the
// kernel, the compiler) leads to another workshop, which starts empty.
type workshop struct {
	dir    string
	unlock func()
}

// openWorkshop returns the workshop of that key, locked.
func openWorkshop(ctx context.Context, c *cache.Dir, key string) (w *workshop, err error) {
	unlock, err := c.Lock(ctx, workshopKind, key)
	if err != nil {
		return nil, err
	}
	w = &workshop{dir: filepath.Join(c.Root(), workshopKind, key), unlock: unlock}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	if err := os.Remove(filepath.Join(w.dir, intactFile)); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := w.discard(); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{w.home(), w.tmp()} {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{w.source(), w.home(), w.tmp()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *workshop) source() string { return filepath.Join(w.dir, "src") }
func (w *workshop) home() string   { return filepath.Join(w.dir, "home") }
func (w *workshop) tmp() string    { return filepath.Join(w.dir, "tmp") }

// close unlocks the workshop, and marks it as fit for the next build if it can be reused; otherwise it is emptied.
func (w *workshop) close(reuse bool) error {
	defer w.unlock()
	if !reuse {
		return w.discard()
	}
	now := time.Now()
	return errors.Join(os.WriteFile(filepath.Join(w.dir, intactFile), nil, 0o644), os.Chtimes(w.dir, now, now))
}

// discard removes the workshop's content, also where a build took away permissions.
func (w *workshop) discard() error {
	_ = filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(w.dir); err != nil {
		return fmt.Errorf("empty %s: %w", w.dir, err)
	}
	return nil
}
