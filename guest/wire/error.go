package wire

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// Error implements error.
func (e *Error) Error() string { return e.Text }

// Is reports whether target is the errno that the guest kernel returned, or a deadline that passed there.
func (e *Error) Is(target error) bool {
	if errno, ok := target.(syscall.Errno); ok {
		return e.Errno != 0 && syscall.Errno(e.Errno) == errno
	}
	return e.Timeout && (target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded)
}

// NewError turns an error into what travels: its text, the errno at its root and whether it was a deadline.
// It returns nil for nil.
func NewError(err error) *Error {
	if err == nil {
		return nil
	}
	var already *Error
	if errors.As(err, &already) {
		return &Error{Text: err.Error(), Errno: already.Errno, Timeout: already.Timeout}
	}
	e := &Error{Text: err.Error()}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		e.Errno = int(errno)
	}
	e.Timeout = errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	return e
}
