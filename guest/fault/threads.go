package fault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// kthreadd is the thread that makes the others: where it fails, nothing is seen of a module.
const kthreadd = 2

// Threads has the kernel's own threads fail: what a module that serves does for its clients, it does on workers or on threads of its
// own, and not in any system call.
type Threads struct {
	// List returns the kernel threads that there are.
	List func() ([]wire.Thread, error)

	proc  string       // "" is /proc
	ready func() error // nil is [Ready]
	mu    sync.Mutex
	armed map[string]string // the fail-nth file of each → the thread's name
}

// Arm has every thread that there is fail at its nth allocation from now on, once. One that is created later does not fail.
func (t *Threads) Arm(req wire.FailThreadsRequest) (wire.None, error) {
	if req.N < 1 {
		return wire.None{}, fmt.Errorf("fail allocation %d of the kernel's threads: they are counted from 1", req.N)
	}
	ready, proc := t.ready, t.proc
	if ready == nil {
		ready, proc = Ready, "/proc"
	}
	if err := ready(); err != nil {
		return wire.None{}, err
	}
	all, err := t.List()
	if err != nil {
		return wire.None{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = map[string]string{}
	for _, thread := range all {
		if thread.PID == kthreadd {
			continue
		}
		nth := filepath.Join(proc, strconv.Itoa(thread.PID), "fail-nth")
		switch err := os.WriteFile(nth, []byte(strconv.Itoa(req.N)), 0); {
		case gone(err):
		case err != nil:
			return wire.None{}, fmt.Errorf("arm %s: %w", thread.Comm, err)
		default:
			t.armed[nth] = thread.Comm
		}
	}
	if len(t.armed) == 0 {
		return wire.None{}, errors.New("there is no kernel thread that could fail")
	}
	return wire.None{}, nil
}

// Disarm ends that, and tells which threads have failed at an allocation.
func (t *Threads) Disarm(wire.None) (wire.ThreadsFailedAnswer, error) {
	var answer wire.ThreadsFailedAnswer
	t.mu.Lock()
	defer t.mu.Unlock()
	for nth, name := range t.armed {
		left, err := os.ReadFile(nth)
		if gone(err) {
			continue
		}
		if err != nil {
			return answer, fmt.Errorf("ask %s: %w", name, err)
		}
		if string(bytes.TrimSpace(left)) == "0" {
			answer.Failed = append(answer.Failed, name)
			continue
		}
		if err := os.WriteFile(nth, []byte("0"), 0); err != nil && !gone(err) {
			return answer, fmt.Errorf("disarm %s: %w", name, err)
		}
	}
	t.armed = nil
	return answer, nil
}

// gone tells that a thread has ended in the meantime.
func gone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }
