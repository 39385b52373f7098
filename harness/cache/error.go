package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// ErrUnusable is wrapped by every error that comes from the cache's place and not from what is built in it: it
// cannot be created, is read-only or full.
var ErrUnusable = errors.New("cache directory is not usable")

// placeError explains an error of the file system below the cache in terms of what the user can do, and passes
// others through.
func placeError(dir string, err error) error {
	const remedy = "set KTCP_CACHE to a directory with room that you may write to"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %s is full (%s)", ErrUnusable, dir, remedy)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s cannot be written to (%s)", ErrUnusable, dir, remedy)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %s is not a directory (%s)", ErrUnusable, dir, remedy)
	default:
		return err
	}
}
