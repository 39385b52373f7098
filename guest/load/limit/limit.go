// Package limit holds what a load asks for against what its process may have.
package limit

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spareFiles is what a process needs beside its clients' sockets.
const spareFiles = 64

// RefusalError is an error that has an errno and does not say it twice.
type RefusalError struct {
	Text  string
	Errno unix.Errno
}

// Error implements error.
func (r *RefusalError) Error() string { return r.Text }

// Unwrap returns the errno.
func (r *RefusalError) Unwrap() error { return r.Errno }

// Files returns a [RefusalError] with EMFILE when so many clients would have more sockets than the process may have descriptors. The Go
// runtime has raised that limit as far as it may.
func Files(clients int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("load: limit on files: %w", err)
	}
	if need := uint64(clients + spareFiles); need > limit.Cur {
		return &RefusalError{fmt.Sprintf("load with %d clients needs %d file descriptors, and the limit is %d: raise it with ulimit -n, "+
			"or take fewer clients", clients, need, limit.Cur), unix.EMFILE}
	}
	return nil
}
