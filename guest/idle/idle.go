package idle

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Name is the first argument with which the agent's own file is the process.
const Name = "idle"

// The operations of futex(2).
const (
	futexWait = 0
	futexWake = 1
)

// flagFD is the process's descriptor of the memory that both share.
const flagFD = 3

// Process is the process as the agent sees it. A nil one does nothing.
type Process struct {
	requests atomic.Int32
	*shared
}

// shared is what the agent and the process share.
type shared struct {
	busy atomic.Uint32 // not 0 while a request is being served
	up   atomic.Uint32 // 1 from when the process is in its loop
}

// Start starts the process in a guest on the clock of instructions, and returns nil on any other. It waits until the process is in its
// loop: a template that is saved before has each of its clones translate the start of a Go program, which takes as long as a clone
// otherwise takes to answer.
func Start() (*Process, error) {
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return nil, fmt.Errorf("read the kernel's command line: %w", err)
	}
	if !slices.Contains(strings.Fields(string(line)), wire.ClockParameter) {
		return nil, nil
	}
	return start(wire.AgentPath, []string{wire.AgentPath, Name})
}

func start(path string, args []string) (*Process, error) {
	fd, err := unix.MemfdCreate("idle", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, int64(os.Getpagesize())); err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	p := &Process{}
	if p.shared, err = share(fd); err != nil {
		return nil, err
	}
	_, err = syscall.ForkExec(path, args, &syscall.ProcAttr{
		Dir: "/", Env: []string{"GODEBUG=asyncpreemptoff=1"}, Files: []uintptr{0, 1, 2, uintptr(fd)},
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return nil, fmt.Errorf("run %s %s: %w", path, Name, err)
	}
	for p.up.Load() == 0 {
		futex(&p.up, futexWait, 0)
	}
	return p, nil
}

// share maps the memory that agent and process share.
func share(fd int) (*shared, error) {
	page, err := unix.Mmap(fd, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return (*shared)(unsafe.Pointer(&page[0])), nil // a page is aligned, and is never unmapped
}

// Begin tells that a request is being served, until End.
func (p *Process) Begin() {
	if p != nil && p.requests.Add(1) == 1 {
		p.busy.Add(1)
	}
}

// End tells that it has been.
func (p *Process) End() {
	if p != nil && p.requests.Add(-1) == 0 {
		p.busy.Add(math.MaxUint32) // minus 1: Begin of another request may come in between
		futex(&p.busy, futexWake, math.MaxInt32)
	}
}

// Main is the process. It returns only when it cannot do its work.
func Main() error {
	// No more right to the processor than anything else has.
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0); err != nil {
		return fmt.Errorf("sched_setattr: %w", err)
	}
	s, err := share(flagFD)
	if err != nil {
		return err
	}
	s.up.Store(1)
	futex(&s.up, futexWake, math.MaxInt32)
	for {
		n := s.busy.Load()
		if n > 0 {
			futex(&s.busy, futexWait, n) // returns at once where it is no longer n
		}
	}
}

// futex ignores errors: who waits looks again.
func futex(word *atomic.Uint32, op int, value uint32) {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), uintptr(op), uintptr(value), 0, 0, 0)
}
