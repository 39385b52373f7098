package fault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Workers has the kernel's workers fail: what a module that serves does for its clients, it does on them, not in any
// system call.
type Workers struct {
	mu    sync.Mutex
	armed map[string]string // the fail-nth file of each → the worker's name
}

// workerName begins the names of the threads that run work items.
const workerName = "kworker/"

// Arm has every worker that there is fail at its nth allocation from now on, once. A worker that the kernel creates later
// does not fail.
func (w *Workers) Arm(req wire.FailWorkersRequest) (wire.FailWorkersAnswer, error) {
	var answer wire.FailWorkersAnswer
	if req.N < 1 {
		return answer, fmt.Errorf("fail allocation %d of the workers: they are counted from 1", req.N)
	}
	if err := Ready(); err != nil {
		return answer, err
	}
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return answer, fmt.Errorf("list the workers: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = map[string]string{}
	for _, file := range names {
		name, err := os.ReadFile(file)
		if gone(err) || !strings.HasPrefix(string(name), workerName) {
			continue
		}
		if err != nil {
			return answer, fmt.Errorf("list the workers: %w", err)
		}
		nth := filepath.Join(filepath.Dir(file), "fail-nth")
		switch err := os.WriteFile(nth, []byte(strconv.Itoa(req.N)), 0); {
		case gone(err):
		case err != nil:
			return answer, fmt.Errorf("arm %s: %w", bytes.TrimSpace(name), err)
		default:
			w.armed[nth] = string(bytes.TrimSpace(name))
		}
	}
	answer.Armed = len(w.armed)
	return answer, nil
}

// Disarm ends that, and tells which workers have failed at an allocation.
func (w *Workers) Disarm(wire.None) (wire.WorkersFailedAnswer, error) {
	var answer wire.WorkersFailedAnswer
	w.mu.Lock()
	defer w.mu.Unlock()
	for nth, name := range w.armed {
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
	w.armed = nil
	return answer, nil
}

// gone tells that a worker has ended in the meantime.
func gone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }
