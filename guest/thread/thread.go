package thread

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// ErrKilled is returned when the kernel ended the thread: an oops, which is in the kernel log.
var ErrKilled = errors.New("the kernel killed the thread in the middle of a system call")

// How often a thread that has not yet returned is looked after.
const (
	firstLook = 20 * time.Millisecond
	lastLook  = 200 * time.Millisecond
)

// Work is what a thread does. It reports whether the thread is as it was and may be used again: false for one that could
// not leave a namespace, or was bound to a CPU.
type Work func() (reuse bool, err error)

// Thread is a thread that works.
type Thread struct {
	tid  int
	done chan struct{} // closed when the work has returned; err is set before
	err  error
}

// Run has work done on a thread of its own.
func Run(work Work) error { return Start(work).Wait() }

// Start begins work on a thread of its own.
func Start(work Work) *Thread {
	t := &Thread{done: make(chan struct{})}
	started := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		t.tid = unix.Gettid()
		close(started)
		defer close(t.done)
		defer func() {
			if p := recover(); p != nil {
				t.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		var reuse bool
		if reuse, t.err = work(); reuse {
			runtime.UnlockOSThread()
		}
		// A goroutine that ends while it is locked takes its thread with it.
	}()
	<-started
	return t
}

// TID is the kernel's number for the thread.
func (t *Thread) TID() int { return t.tid }

// Wait waits until the work is done, for as long as that takes, or the thread is no more.
func (t *Thread) Wait() error {
	_, err := t.wait(nil)
	return err
}

// WaitFor is Wait with a limit: it reports false when that has passed.
func (t *Thread) WaitFor(limit time.Duration) (done bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	return t.wait(timer.C)
}

func (t *Thread) wait(limit <-chan time.Time) (done bool, err error) {
	look := firstLook
	timer := time.NewTimer(look)
	defer timer.Stop()
	for {
		select {
		case <-t.done:
			return true, t.err
		case <-limit:
			return false, nil
		case <-timer.C:
			if t.alive() {
				look = min(2*look, lastLook)
				timer.Reset(look)
				continue
			}
			select {
			case <-t.done: // it has ended in the meantime, as it should
				return true, t.err
			default:
				return true, ErrKilled
			}
		}
	}
}

// alive asks whether the thread exists, by a signal that is not sent.
func (t *Thread) alive() bool { return unix.Tgkill(os.Getpid(), t.tid, 0) == nil }
