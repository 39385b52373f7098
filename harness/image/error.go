package image

import (
	"errors"
	"fmt"
)

var (
	// ErrNoVirtio is returned for a kernel that neither has nor can load the drivers by which the agent and the host
	// talk.
	ErrNoVirtio = errors.New("kernel without virtio")
	// ErrNoSource is returned when the agent's source is not where it belongs.
	ErrNoSource = errors.New("source of the guest agent not found")
	// ErrNoGo is returned when there is no go command to build the agent with.
	ErrNoGo = errors.New("go command not found")
)

// BuildError tells that the agent does not compile. Its message is one line; Output is what the compiler said.
type BuildError struct {
	Err    error
	Output string
}

// Error implements error.
func (e *BuildError) Error() string { return fmt.Sprintf("build the guest agent: %v", e.Err) }

// Unwrap returns the error of the go command.
func (e *BuildError) Unwrap() error { return e.Err }
