package apt

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

var (
	// ErrMissing is returned where a command of the packaging system is not installed.
	ErrMissing = errors.New("is missing, so no package can be fetched")
	// ErrUnknown is returned when apt does not know one of the packages, or not in that version.
	ErrUnknown = errors.New("package is not known")
)

// CommandError is a command of the packaging system that went wrong. Its message is one line.
type CommandError struct {
	Argv   []string
	Err    error  // from os/exec
	Output string // all that the command printed
}

// Error implements error.
func (e *CommandError) Error() string {
	what := e.Argv[0]
	if len(e.Argv) > 1 {
		what += " " + firstOperand(e.Argv[1:])
	}
	if line := e.reason(); line != "" {
		return fmt.Sprintf("%s: %s", what, line)
	}
	return fmt.Sprintf("%s: %v", what, e.Err)
}

// Detail returns the command's output.
func (e *CommandError) Detail() string { return strings.TrimSpace(e.Output) }

// Unwrap returns the error of os/exec, and ENOSPC where the command complained about a full disk.
func (e *CommandError) Unwrap() []error {
	if strings.Contains(e.Output, syscall.ENOSPC.Error()) || strings.Contains(e.Output, "No space left on device") ||
		strings.Contains(e.Output, "enough free space") {
		return []error{e.Err, syscall.ENOSPC}
	}
	return []error{e.Err}
}

// reason is the line of the output that says most: apt and dpkg mark errors, otherwise the last one.
func (e *CommandError) reason() string {
	last := ""
	for line := range strings.Lines(e.Output) {
		line = strings.TrimSpace(line)
		for _, mark := range []string{"E: ", "dpkg-deb: error: "} {
			if text, ok := strings.CutPrefix(line, mark); ok {
				return text
			}
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// Stale reports whether the archive no longer has what the package lists name.
func (e *CommandError) Stale() bool {
	return strings.Contains(e.Output, "404 ") || strings.Contains(e.Output, "File has unexpected size") ||
		strings.Contains(e.Output, "Hash Sum mismatch")
}

func firstOperand(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a
		}
	}
	return args[0]
}
