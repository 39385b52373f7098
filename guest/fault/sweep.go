package fault

import (
	"errors"
	"fmt"
	"time"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sys/unix"

	"ktcp/guest/thread"
	"ktcp/guest/wire"
)

// Sweeper carries out the host's requests.
type Sweeper struct {
	// Enter runs f on a thread inside a network namespace.
	Enter func(netns string, f func() error) error
	// Translate turns a path as a process in a namespace would use it into one for a thread inside it.
	Translate func(netns, path string) string
	// Rmmod unloads a module.
	Rmmod func(wire.RmmodRequest) (wire.RmmodAnswer, error)
}

// step is a system call that can be made again and again.
type step struct {
	netns string
	// prepare does on the thread what must not fail, and returns the call.
	prepare func() (call func() error, done func(), err error)
	undo    func() error // what a call that succeeded has done
}

// Sweep fails one allocation after the other.
func (s Sweeper) Sweep(req wire.SweepRequest) (wire.SweepAnswer, error) {
	var answer wire.SweepAnswer
	if err := Ready(); err != nil {
		return answer, err
	}
	call, err := s.step(req)
	if err != nil {
		return answer, err
	}
	for n := req.First; n < req.First+req.Count*max(req.Stride, 1); n += max(req.Stride, 1) {
		injected, errno, err := s.try(call, n)
		if err != nil {
			return answer, fmt.Errorf("sweep, allocation %d: %w", n, err)
		}
		taken := wire.SweepStep{N: n, Errno: int(errno)}
		if errno == 0 {
			if err := call.undo(); err != nil {
				taken.Undo = err.Error()
			}
		}
		if !injected {
			answer.Undisturbed = &taken
			return answer, nil
		}
		answer.Steps = append(answer.Steps, taken)
		if taken.Undo != "" {
			return answer, nil
		}
	}
	return answer, nil
}

// try makes the call once, on a thread of its own.
func (s Sweeper) try(call step, n int) (injected bool, errno unix.Errno, err error) {
	enter := func(f func() error) error { return s.Enter(call.netns, f) }
	if call.netns == "" {
		// It may not come back as it was: such a thread ends.
		enter = func(f func() error) error {
			return thread.Run(func() (reuse bool, err error) { return false, f() })
		}
	}
	var callErr error
	err = enter(func() error {
		act, done, err := call.prepare()
		if err != nil {
			return err
		}
		defer done()
		if injected, callErr, err = nth(n, act); err != nil {
			return err
		}
		if callErr != nil && !errors.As(callErr, &errno) {
			return callErr
		}
		return nil
	})
	return injected, errno, err
}

func nothing() {}

// step returns the call that the request names.
func (s Sweeper) step(req wire.SweepRequest) (step, error) {
	switch {
	case req.Insmod != nil:
		m := req.Insmod
		return step{
			prepare: func() (func() error, func(), error) {
				return func() error { return kmodule.Init(m.Image, m.Params) }, nothing, nil
			},
			undo: func() error {
				answer, err := s.Rmmod(wire.RmmodRequest{Name: m.Name, Deadline: req.Deadline})
				if err == nil && !answer.Done {
					err = fmt.Errorf("rmmod %s: not done after %v: errno %d, refcount %d\n%s", m.Name,
						answer.Elapsed.Round(time.Millisecond), answer.Errno, answer.Refcount, answer.Stack)
				}
				return err
			},
		}, nil
	case req.Write != nil:
		w := req.Write
		path := s.Translate(w.Netns, w.Path)
		return step{
			netns: w.Netns,
			prepare: func() (func() error, func(), error) {
				fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					return nil, nil, fmt.Errorf("open %s: %w", w.Path, err)
				}
				return func() error { _, err := unix.Pwrite(fd, w.Data, 0); return err }, func() { unix.Close(fd) }, nil
			},
			undo: func() error {
				return s.Enter(w.Netns, func() error {
					fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
					if err != nil {
						return fmt.Errorf("open %s: %w", w.Path, err)
					}
					defer unix.Close(fd)
					_, err = unix.Pwrite(fd, req.Undo, 0)
					return err
				})
			},
		}, nil
	case req.Netns:
		return step{
			prepare: func() (func() error, func(), error) {
				return func() error { return unix.Unshare(unix.CLONE_NEWNET) }, nothing, nil
			},
			undo: func() error { return nil }, // the thread has ended, and the namespace with it
		}, nil
	}
	return step{}, errors.New("sweep: the request names no call")
}
