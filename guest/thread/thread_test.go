package thread

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRun(t *testing.T) {
	want := errors.New("wanted")
	for _, reuse := range []bool{true, false} {
		if err := Run(func() (bool, error) { return reuse, want }); !errors.Is(err, want) {
			t.Errorf("error = %v, want %v", err, want)
		}
	}
	if err := Run(func() (bool, error) { panic("as expected") }); err == nil || !strings.Contains(err.Error(), "as expected") {
		t.Errorf("error = %v, want the panic", err)
	}
}

func TestWaitFor(t *testing.T) {
	release := make(chan struct{})
	th := Start(func() (bool, error) { <-release; return true, nil })
	if done, err := th.WaitFor(5 * firstLook); done || err != nil {
		t.Errorf("done = %v, %v, want neither", done, err)
	}
	close(release)
	if done, err := th.WaitFor(time.Minute); !done || err != nil {
		t.Errorf("done = %v, %v, want done", done, err)
	}
}

func TestThreadIsAlone(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	a := Start(func() (bool, error) { <-release; return true, nil })
	b := Start(func() (bool, error) { <-release; return true, nil })
	if a.TID() == b.TID() || a.TID() == 0 {
		t.Errorf("two threads are %d and %d", a.TID(), b.TID())
	}
}

// TestKilled ends a thread under the runtime's feet, as an oops does.
func TestKilled(t *testing.T) {
	th := Start(func() (bool, error) {
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
		return true, nil
	})
	if done, err := th.WaitFor(time.Minute); !done || !errors.Is(err, ErrKilled) {
		t.Errorf("done = %v, %v, want %v", done, err, ErrKilled)
	}
	if err := th.Wait(); !errors.Is(err, ErrKilled) {
		t.Errorf("asked again: %v, want %v", err, ErrKilled)
	}
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Fatal(err) // the process goes on
	}
}
