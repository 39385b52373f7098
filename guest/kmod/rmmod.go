package kmod

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// defaultDeadline is for requests that name none.
const defaultDeadline = 10 * time.Second

// Unloader unloads modules. The zero value is ready.
type Unloader struct {
	mu      sync.Mutex
	pending map[string]*unload
}

// unload is one delete_module(2) that has not yet returned.
type unload struct {
	tid   int // of the thread that is in it
	start time.Time
	done  chan struct{} // closed when it has returned; took and err are set before
	took  time.Duration
	err   error
}

// Rmmod unloads a module. It returns an error only where the kernel refuses for another reason than that the module is
// in use or is being unloaded already.
func (u *Unloader) Rmmod(req wire.RmmodRequest) (wire.RmmodAnswer, error) {
	call := u.begin(req.Name)
	deadline := req.Deadline
	if deadline <= 0 {
		deadline = defaultDeadline
	}
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case <-call.done:
	case <-timer.C:
		answer := wire.RmmodAnswer{Elapsed: time.Since(call.start), Stack: stackOf(call.tid)}
		answer.Refcount, answer.Holders = users(req.Name)
		return answer, nil
	}
	switch {
	case call.err == nil:
		return wire.RmmodAnswer{Done: true, Elapsed: call.took}, nil
	case errors.Is(call.err, unix.EWOULDBLOCK), errors.Is(call.err, unix.EBUSY):
		answer := wire.RmmodAnswer{Elapsed: call.took, Errno: int(call.err.(unix.Errno))}
		answer.Refcount, answer.Holders = users(req.Name)
		return answer, nil
	default:
		return wire.RmmodAnswer{}, fmt.Errorf("rmmod %s: %w", req.Name, call.err)
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
	call := &unload{start: time.Now(), done: make(chan struct{})}
	u.pending[name] = call
	started := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		call.tid = unix.Gettid()
		close(started)
		// Without O_NONBLOCK the kernel does not wait for references to go either, since Linux 3.13.
		err := kmodule.Delete(name, unix.O_NONBLOCK)
		u.mu.Lock()
		defer u.mu.Unlock()
		call.took, call.err = time.Since(call.start), err
		delete(u.pending, name)
		close(call.done)
	}()
	<-started
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
