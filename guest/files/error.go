package files

import (
	"errors"
	"fmt"
	"os"
)

// opError is an error of one system call. The host's path is put in by [named]: the translated one means nothing
// to it.
type opError struct {
	op  string
	err error
}

// Error implements error.
func (e opError) Error() string { return e.op + ": " + e.err.Error() }

// Unwrap returns the errno.
func (e opError) Unwrap() error { return e.err }

// named says which path an error is about.
func named(err error, path string) error {
	var op opError
	if errors.As(err, &op) {
		return fmt.Errorf("%s %s: %w", op.op, path, op.err)
	}
	return err
}

// root takes the path out of an error of package os.
func root(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
