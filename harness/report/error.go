package report

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// ErrUnusable is wrapped by every error that comes from the place of the results: it cannot be created, is read-only
// or full.
var ErrUnusable = errors.New("results directory is not usable")

// ErrNoRun is wrapped by the error of [Load] for a directory that holds no run.
var ErrNoRun = errors.New("no run there")

// ErrFormat is wrapped by the error of [Write] for a format that it does not know.
var ErrFormat = errors.New("unknown format")

// ErrFinished is returned when a scenario is finished a second time.
var ErrFinished = errors.New("scenario is already finished")

// placeError explains an error of the file system in terms of what the user can do, and wraps others with the
// operation.
func placeError(op, dir string, err error) error {
	const remedy = "set KTCP_RESULTS to a directory with room that you may write to"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: %w: %s is full (%s)", op, ErrUnusable, dir, remedy)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: %s cannot be written to (%s)", op, ErrUnusable, dir, remedy)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s: %w: part of %s is not a directory (%s)", op, ErrUnusable, dir, remedy)
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}
