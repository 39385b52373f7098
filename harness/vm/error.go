package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrNoQEMU is returned when there is no emulator to run.
	ErrNoQEMU = errors.New("QEMU not found")
	// ErrNoKVM is returned when KTCP_ACCEL demands KVM and no guest boots under it.
	ErrNoKVM = errors.New("KVM does not work")
	// ErrSilent is what a [*SilentError] wraps: a guest that runs and does not answer.
	ErrSilent = errors.New("guest is silent")
	// ErrClosed is the cause of death of a guest that was closed by its owner.
	ErrClosed = errors.New("guest was closed")
	// ErrProtocol is returned when what comes out of the guest's port is no frame: the guest's memory or its
	// agent is damaged.
	ErrProtocol = errors.New("guest broke the protocol")

	// errMigrate is wrapped by errors of QEMU about saving or restoring: a cold boot may still work.
	errMigrate = errors.New("migration")
)

// tailLines is how much of a console an error carries.
const tailLines = 40

// BootError tells that a guest did not come up. Its message is one line; Detail is the end of its console.
type BootError struct {
	// Stage says how far the guest came.
	Stage string
	// Err is what ended the boot: a [*DeadError], or a deadline.
	Err     error
	Console []byte // all of it, with QEMU's own words
}

// Error implements error.
func (e *BootError) Error() string {
	return fmt.Sprintf("boot guest: %s: %v", e.Stage, e.Err)
}

// Unwrap returns what ended the boot.
func (e *BootError) Unwrap() error { return e.Err }

// Detail returns the end of the console.
func (e *BootError) Detail() string { return tail(e.Console, tailLines) }

// Cause says how a guest ended.
type Cause string

// The ways for a guest to end.
const (
	// Panicked: the guest's kernel restarted the machine. The kernel is told to do so on a panic, and the agent never does,
	// so that it was a panic or, without any words on the console, a triple fault.
	Panicked Cause = "panicked"
	// PoweredOff: the guest switched itself off. The agent does so when it cannot go on; its last line says why.
	PoweredOff Cause = "powered off"
	// Killed: QEMU was ended by a signal that did not come from here.
	Killed Cause = "was killed"
	// Failed: QEMU itself gave up; its last line says why.
	Failed Cause = "failed in QEMU"
	// Closed: the guest's owner closed it.
	Closed Cause = "was closed"
)

// DeadError tells how a guest ended. Its message is one line; Detail is the end of its console.
type DeadError struct {
	Cause Cause
	// Status is QEMU's exit status: "exit status 1", "signal: killed".
	Status  string
	Console []byte // all of it, with QEMU's own words
}

// Error implements error.
func (e *DeadError) Error() string {
	switch e.Cause {
	case Killed:
		return fmt.Sprintf("guest was killed (QEMU: %s)", e.Status)
	case Failed:
		return fmt.Sprintf("guest failed (QEMU: %s): %s", e.Status, complaints(e.Console))
	case PoweredOff:
		return fmt.Sprintf("guest powered off: %s", reason(e.Console, agentPrefix))
	case Panicked:
		return fmt.Sprintf("guest panicked: %s", reason(e.Console, panicPrefix))
	default:
		return "guest " + string(e.Cause)
	}
}

// Is reports whether target is [ErrClosed] and the guest was closed.
func (e *DeadError) Is(target error) bool { return target == ErrClosed && e.Cause == Closed }

// Detail returns the end of the console.
func (e *DeadError) Detail() string { return tail(e.Console, tailLines) }

// SilentError tells that a guest runs but did not answer in time. [Guest.Evidence] says more.
type SilentError struct {
	Op    string
	After time.Duration
	Err   error // context.DeadlineExceeded where the caller's own deadline passed
}

// Error implements error.
func (e *SilentError) Error() string {
	return fmt.Sprintf("guest is silent: no answer to %s within %v", e.Op, e.After.Round(time.Millisecond))
}

// Is reports whether target is [ErrSilent] or a deadline.
func (e *SilentError) Is(target error) bool {
	return target == ErrSilent || target == context.DeadlineExceeded
}

// tail returns the last n lines of a console, without carriage returns.
func tail(console []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(console), "\r", "")), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

// lastLine returns the last line of a console that says anything.
func lastLine(console []byte) string {
	if line := strings.TrimSpace(tail(console, 1)); line != "" {
		return line
	}
	return "without a word"
}

// What a kernel and an agent begin the line with in which they say why they give up. It makes errors readable; nothing is
// decided by it.
const (
	panicPrefix = "Kernel panic"
	agentPrefix = "ktcp-agent: "
)

// reason returns the last line on a console that begins, after its time, with prefix, or else the last line of all.
func reason(console []byte, prefix string) string {
	text := string(console)
	at := strings.LastIndex(text, prefix)
	if at < 0 {
		return lastLine(console)
	}
	line, _, _ := strings.Cut(text[at:], "\n")
	return strings.TrimSpace(line)
}

// complaints returns what QEMU itself said, in one line, or else the last line of all.
func complaints(console []byte) string {
	var said []string
	for line := range strings.Lines(string(console)) {
		if words, ok := strings.CutPrefix(line, qemuCommand+": "); ok {
			said = append(said, strings.TrimSpace(words))
		}
	}
	if len(said) == 0 {
		return lastLine(console)
	}
	return strings.Join(said, "; ")
}
