package peers

import "errors"

var (
	// ErrUnknown is returned for a program that no recipe is for.
	ErrUnknown = errors.New("unknown program")
	// ErrIncomplete is returned when the packages lack the program or a library that it needs.
	ErrIncomplete = errors.New("not in the packages")
)
