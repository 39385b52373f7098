package kmod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sys/unix"

	"ktcp/guest/thread"
	"ktcp/guest/wire"
)

// defaultDeadline is for requests that name none.
const defaultDeadline = 10 * time.Second

// Unloader unloads modules. The zero value is ready.
type Unloader struct {
	// Stacks lists the kernel threads that are inside of a module's code. Without it they remain unknown.
	Stacks func(wire.StacksRequest) (wire.StacksAnswer, error)

	mu      sync.Mutex
	pending map[string]*unload
	// remove replaces the system call in tests.
	remove func(name string, flags uintptr) error
}

// unload is one delete_module(2) that has not yet returned.
type unload struct {
	*thread.Thread
	start time.Time
	took  time.Duration // set when it has returned
}

// Rmmod unloads a module. It returns an error only where the kernel refuses for another reason than that the module is
// in use or is being unloaded already, or where the module's exit brought down the thread that called it.
func (u *Unloader) Rmmod(req wire.RmmodRequest) (wire.RmmodAnswer, error) {
	call := u.begin(req.Name)
	deadline := req.Deadline
	if deadline <= 0 {
		deadline = defaultDeadline
	}
	done, err := call.WaitFor(deadline)
	if !done {
		answer := wire.RmmodAnswer{Elapsed: time.Since(call.start), Stack: stackOf(call.TID())}
		answer.Refcount, answer.Holders = users(req.Name)
		answer.Inside = u.inside(req.Name, call.TID())
		return answer, nil
	}
	switch {
	case err == nil:
		return wire.RmmodAnswer{Done: true, Elapsed: call.took}, nil
	case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, unix.EBUSY):
		answer := wire.RmmodAnswer{Elapsed: call.took}
		var errno unix.Errno
		if errors.As(err, &errno) {
			answer.Errno = int(errno)
		}
		answer.Refcount, answer.Holders = users(req.Name)
		answer.Inside = u.inside(req.Name, 0)
		return answer, nil
	default:
		return wire.RmmodAnswer{}, fmt.Errorf("rmmod %s: %w", req.Name, err)
	}
}

// begin asks the kernel to unload a module, on a thread of its own: it cannot be called back. Where an earlier call
// is still under way it is returned.
func (u *Unloader) begin(name string) *unload {
	u.mu.Lock()
	defer u.mu.Unlock()
	if call := u.pending[name]; call != nil {
		return call
	}
	if u.pending == nil {
		u.pending = map[string]*unload{}
	}
	if u.remove == nil {
		u.remove = kmodule.Delete
	}
	call := &unload{start: time.Now()}
	u.pending[name] = call
	call.Thread = thread.Start(func() (reuse bool, err error) {
		// Without O_NONBLOCK the kernel does not wait for references to go either, since Linux 3.13.
		err = u.remove(name, unix.O_NONBLOCK)
		u.mu.Lock()
		defer u.mu.Unlock()
		call.took = time.Since(call.start)
		delete(u.pending, name)
		return true, err
	})
	return call
}

// stackOf returns the kernel stack of one of the agent's threads, or why there is none.
func stackOf(tid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stack", tid))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// inside lists the tasks that are in a module's code, but for one: kernel threads, and the agent's own, which write to files of the
// module on behalf of a scenario.
func (u *Unloader) inside(module string, but int) (all []wire.Thread) {
	if u.Stacks != nil {
		if answer, err := u.Stacks(wire.StacksRequest{Module: module}); err == nil { // otherwise the rest is worth having
			all = answer.Threads
		}
	}
	return append(all, tasksInside("/proc/self/task", module, but)...)
}

// tasksInside lists the threads of a process that are in a module's code, from its directory in procfs.
func tasksInside(dir, module string, but int) (all []wire.Thread) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil || tid == but {
			continue
		}
		stack, err := os.ReadFile(filepath.Join(dir, e.Name(), "stack"))
		if err != nil || !strings.Contains(string(stack), "["+module+"]") {
			continue // has ended, or is elsewhere
		}
		comm, err := os.ReadFile(filepath.Join(dir, e.Name(), "comm"))
		if err != nil {
			continue
		}
		all = append(all, wire.Thread{PID: tid, Comm: strings.TrimSpace(string(comm)), Stack: string(stack)})
	}
	return all
}

// users tells who keeps a module from being unloaded.
func users(name string) (refcount int, holders []string) {
	modules, err := loaded()
	if err != nil {
		return 0, nil // the answer's errno says what matters
	}
	for _, m := range modules {
		if m.Name == name {
			return max(m.Refcount, 0), m.Holders // -1 is the kernel's mark on one that is going
		}
	}
	return 0, nil
}
