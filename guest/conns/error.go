package conns

import "errors"

var (
	// ErrUnknown is returned for a handle that is not open.
	ErrUnknown = errors.New("no such connection")
	// ErrClosed is returned to requests that wait on a connection when it is closed.
	ErrClosed = errors.New("connection closed meanwhile")
	// ErrMode is returned for a way to close that does not exist, or not for a listening socket.
	ErrMode = errors.New("bad way to close")
)
