package program

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// ErrUnknown is returned for a program that was never started or has been stopped.
var ErrUnknown = errors.New("unknown program")

const (
	// runDeadline is for programs in the foreground, and stopDeadline for those that are told to end, when the request
	// names none.
	runDeadline  = 30 * time.Second
	stopDeadline = 10 * time.Second
)

// Spaces runs a function inside a network namespace, on a thread of its own.
type Spaces interface {
	Do(netns string, f func() error) error
}

// Table is the programs that run in the background. It is safe for concurrent use.
type Table struct {
	spaces Spaces

	mu      sync.Mutex
	last    uint64
	running map[uint64]*process
}

// NewTable returns an empty table.
func NewTable(spaces Spaces) *Table {
	return &Table{spaces: spaces, running: map[uint64]*process{}}
}

// Run runs a program to its end.
func (t *Table) Run(req wire.ProgramRequest) (wire.ProgramAnswer, error) {
	p, err := t.start(req)
	if err != nil {
		return wire.ProgramAnswer{}, err
	}
	if req.Deadline <= 0 {
		req.Deadline = runDeadline
	}
	return p.wait(req.Deadline), nil
}

// Start starts a program in the background.
func (t *Table) Start(req wire.ProgramRequest) (wire.ProgramStartAnswer, error) {
	p, err := t.start(req)
	if err != nil {
		return wire.ProgramStartAnswer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.running[t.last] = p
	return wire.ProgramStartAnswer{Program: t.last, PID: p.pid}, nil
}

// Stop ends a program and tells how it ended.
func (t *Table) Stop(req wire.ProgramStopRequest) (wire.ProgramAnswer, error) {
	t.mu.Lock()
	p := t.running[req.Program]
	delete(t.running, req.Program)
	t.mu.Unlock()
	if p == nil {
		return wire.ProgramAnswer{}, fmt.Errorf("%w: %d", ErrUnknown, req.Program)
	}
	if req.Signal != 0 {
		_ = unix.Kill(-p.pid, unix.Signal(req.Signal)) // it may have ended by itself, which the answer tells
	}
	if req.Deadline <= 0 {
		req.Deadline = stopDeadline
	}
	return p.wait(req.Deadline), nil
}

// StopAll kills what is left and returns how many there were.
func (t *Table) StopAll() int {
	t.mu.Lock()
	left := t.running
	t.running = map[uint64]*process{}
	t.mu.Unlock()
	for _, p := range left {
		p.kill()
		p.wait(stopDeadline)
	}
	return len(left)
}
