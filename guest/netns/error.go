package netns

import "errors"

var (
	// ErrUnknown is returned for a name that is not in the table.
	ErrUnknown = errors.New("no such network namespace")
	// ErrExists is returned when a name is added twice.
	ErrExists = errors.New("network namespace exists")
	// ErrName is returned for a name that cannot be one of a file.
	ErrName = errors.New("bad name of a network namespace")
)
