package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Scratch makes a private directory for this process. release removes it; where the process is killed first, the
// next call of Scratch by any process does, because the lock that marks its owner as alive is gone with the owner.
func (d *Dir) Scratch(name string) (path string, release func() error, err error) {
	base := filepath.Join(d.root, "scratch")
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", nil, placeError(d.root, err)
	}
	if err := sweep(base); err != nil {
		return "", nil, placeError(d.root, err)
	}
	// The lock file lies beside the directory and is locked before the directory appears: sweep never meets
	// a directory whose living owner has no lock yet.
	f, err := os.CreateTemp(base, name+"-*.lock")
	if err != nil {
		return "", nil, placeError(d.root, err)
	}
	f.Close()
	lock, err := lockFile(f.Name())
	if err != nil {
		return "", nil, fmt.Errorf("lock %s: %w", f.Name(), errors.Join(placeError(d.root, err), os.Remove(f.Name())))
	}
	path = strings.TrimSuffix(f.Name(), ".lock")
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", nil, errors.Join(placeError(d.root, err), os.Remove(f.Name()), lock.Close())
	}
	release = func() error {
		return errors.Join(removeAll(path), os.Remove(lock.Path()), lock.Close())
	}
	return path, release, nil
}

// lockFile locks the file at path. A sweeper may take it for abandoned and remove it just before, so that what is
// locked must be seen to be what is there.
func lockFile(path string) (*flock.Flock, error) {
	for {
		lock := flock.New(path)
		if err := lock.Lock(); err != nil {
			return nil, err
		}
		if inPlace(lock) {
			return lock, nil
		}
		if err := lock.Close(); err != nil {
			return nil, err
		}
	}
}

// inPlace reports whether the file that is locked is still the one at its path.
func inPlace(lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(locked, there)
}

// sweep removes the directories below base whose owner is gone.
func sweep(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir, ok := strings.CutSuffix(filepath.Join(base, e.Name()), ".lock")
		if !ok {
			continue
		}
		// Without O_CREATE: a lock that is gone was removed by its owner or by another sweeper.
		lock := flock.New(dir+".lock", flock.SetFlag(os.O_RDONLY))
		free, err := lock.TryLock()
		if err == nil && free && inPlace(lock) {
			err = errors.Join(removeAll(dir), os.Remove(lock.Path()))
		}
		if err := errors.Join(ignoreMissing(err), lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// ignoreMissing drops an error that tells that another process swept first.
func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
