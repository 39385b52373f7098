package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a waiting builder looks whether the lock is free: flock(2) cannot be cancelled, so it is
// tried until the context ends.
const lockPoll = 50 * time.Millisecond

// tmpPrefix begins the names of directories that are being built.
const tmpPrefix = ".tmp-"

// Dir is an open cache. It is safe for concurrent use, also by other processes.
type Dir struct {
	root string
}

// Open opens the user's cache, creates it where it is missing and proves that it can be written to. The error
// wraps [ErrUnusable] and says what to do.
func Open() (*Dir, error) {
	root := os.Getenv("KTCP_CACHE")
	if root == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("%w: %w (set KTCP_CACHE)", ErrUnusable, err)
		}
		root = filepath.Join(base, "ktcp")
	}
	return OpenAt(root)
}

// OpenAt is [Open] for a given directory.
func OpenAt(root string) (*Dir, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, placeError(root, err)
	}
	probe, err := os.CreateTemp(root, ".probe-")
	if err != nil {
		return nil, placeError(root, err)
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return nil, placeError(root, err)
	}
	return &Dir{root: root}, nil
}

// Root returns the cache's directory.
func (d *Dir) Root() string { return d.root }

// Entry returns the directory that belongs to kind and key. Where it is missing, build makes its content in tmp, an
// empty directory, which is then renamed into place: other processes that ask meanwhile wait, then share the result. When
// build returns an error nothing is left behind. An entry that is found is marked as used, for [Dir.Prune].
func (d *Dir) Entry(ctx context.Context, kind, key string, build func(ctx context.Context, tmp string) error) (string, error) {
	path := filepath.Join(d.root, kind, key)
	if found(path) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", placeError(d.root, err)
	}
	unlock, err := d.Lock(ctx, kind, key)
	if err != nil {
		return "", err
	}
	defer unlock()
	if found(path) {
		return path, nil
	}
	// Only the holder of the lock builds this entry, so an older temporary directory has no owner any more.
	tmp := filepath.Join(d.root, kind, tmpPrefix+key)
	if err := removeAll(tmp); err != nil {
		return "", placeError(d.root, err)
	}
	if err := d.removeAbandoned(kind); err != nil {
		return "", placeError(d.root, err)
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return "", placeError(d.root, err)
	}
	if err := build(ctx, tmp); err != nil {
		return "", errors.Join(placeError(d.root, err), removeAll(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", errors.Join(placeError(d.root, err), removeAll(tmp))
	}
	return path, nil
}

// Lock takes the lock of kind and key alone, for what is not an entry, and returns what releases it.
func (d *Dir) Lock(ctx context.Context, kind, key string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(d.root, "locks"), 0o755); err != nil {
		return nil, placeError(d.root, err)
	}
	l := flock.New(d.lockPath(kind, key))
	if ok, err := l.TryLockContext(ctx, lockPoll); err != nil || !ok {
		return nil, fmt.Errorf("wait for another run that builds %s %s: %w", kind, key, placeError(d.root, err))
	}
	return func() { _ = l.Close() }, nil
}

func (d *Dir) lockPath(kind, key string) string {
	return filepath.Join(d.root, "locks", strings.ReplaceAll(kind, "/", "-")+"-"+key)
}

// removeAbandoned removes the temporary directories of kind whose builders were killed. Their own entries may never be
// asked for again, because the key has changed with what they are made of.
func (d *Dir) removeAbandoned(kind string) error {
	entries, err := os.ReadDir(filepath.Join(d.root, kind))
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, ok := strings.CutPrefix(e.Name(), tmpPrefix)
		if !ok {
			continue
		}
		l := flock.New(d.lockPath(kind, key))
		free, err := l.TryLock()
		if err == nil && free {
			err = removeAll(filepath.Join(d.root, kind, e.Name()))
		}
		if err := errors.Join(err, l.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Drop removes an entry, for one that was found to be damaged. Guests that still use its files keep them open.
func (d *Dir) Drop(ctx context.Context, kind, key string) error {
	unlock, err := d.Lock(ctx, kind, key)
	if err != nil {
		return err
	}
	defer unlock()
	path := filepath.Join(d.root, kind, key)
	// Renamed first, so that nobody finds half of it.
	tmp := filepath.Join(d.root, kind, tmpPrefix+key)
	if err := removeAll(tmp); err != nil {
		return placeError(d.root, err)
	}
	if err := os.Rename(path, tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return placeError(d.root, err)
	}
	return placeError(d.root, removeAll(tmp))
}

// Prune removes the entries of kind that nobody has used for longer than age.
func (d *Dir) Prune(ctx context.Context, kind string, age time.Duration) error {
	entries, err := os.ReadDir(filepath.Join(d.root, kind))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return placeError(d.root, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || strings.HasPrefix(e.Name(), tmpPrefix) || time.Since(info.ModTime()) < age {
			continue
		}
		if err := d.Drop(ctx, kind, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// PruneTo removes the entries of kind that were used the longest time ago until the others take at most bytes of the disk,
// holes of sparse files not counted. The entry that was used last stays however large it is.
func (d *Dir) PruneTo(ctx context.Context, kind string, bytes int64) error {
	dir := filepath.Join(d.root, kind)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return placeError(d.root, err)
	}
	type entry struct {
		key  string
		used time.Time
	}
	var all []entry
	for _, e := range entries {
		// What another run removes meanwhile needs no removal.
		if info, err := e.Info(); err == nil && !strings.HasPrefix(e.Name(), tmpPrefix) {
			all = append(all, entry{key: e.Name(), used: info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return b.used.Compare(a.used) })
	var sum int64
	for i, e := range all {
		sum += diskUsage(filepath.Join(dir, e.key))
		if i == 0 || sum <= bytes {
			continue
		}
		if err := d.Drop(ctx, kind, e.key); err != nil {
			return err
		}
	}
	return nil
}

// diskUsage is what a tree takes of the disk, in bytes. What cannot be read counts as nothing.
func diskUsage(root string) (bytes int64) {
	_ = filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error {
		if err == nil {
			bytes += blocks(e)
		}
		return nil
	})
	return bytes
}

// blocks is what one file takes, without what is below it.
func blocks(e fs.DirEntry) int64 {
	info, err := e.Info()
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return st.Blocks * 512 // the unit of st_blocks, whatever the file system's is: stat(2)
}

// found reports whether an entry is there and marks it as used. The mark is a convenience of Prune: on a cache that
// can only be read it is left out.
func found(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now)
	return true
}

// removeAll is os.RemoveAll for trees whose directories may be read-only, as unpacked packages have them.
func removeAll(path string) error {
	err := os.RemoveAll(path)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	return os.RemoveAll(path)
}
