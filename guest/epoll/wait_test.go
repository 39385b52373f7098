package epoll

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// watched returns an epoll that looks at the read end of a pipe, and the write end.
func watched(t *testing.T) (fd, write int) {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd); unix.Close(pipe[0]); unix.Close(pipe[1]) })
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, pipe[0], &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 7}); err != nil {
		t.Fatal(err)
	}
	return fd, pipe[1]
}

func TestWaitTimesOut(t *testing.T) {
	fd, _ := watched(t)
	events := make([]unix.EpollEvent, 1)
	for _, timeout := range []time.Duration{0, time.Millisecond, Quiet, 3 * Quiet} {
		began := time.Now()
		n, err := Wait(fd, events, timeout)
		for err == unix.EINTR { // the runtime's own signals
			n, err = Wait(fd, events, max(0, timeout-time.Since(began)))
		}
		if took := time.Since(began); n != 0 || err != nil || took < timeout {
			t.Errorf("%v: %d events, %v, after %v", timeout, n, err, took)
		}
	}
}

// An event ends both halves of a wait, and meanwhile the world can be stopped.
func TestWaitSeesEvents(t *testing.T) {
	for _, after := range []time.Duration{Quiet / 4, 2 * Quiet} {
		fd, write := watched(t)
		time.AfterFunc(after, func() { _, _ = unix.Write(write, []byte{1}) })
		done := make(chan error, 1)
		events := make([]unix.EpollEvent, 1)
		go func() {
			n, err := Wait(fd, events, Forever)
			for err == unix.EINTR {
				n, err = Wait(fd, events, Forever)
			}
			if err == nil && (n != 1 || events[0].Fd != 7) {
				t.Errorf("%d events: %+v", n, events)
			}
			done <- err
		}()
		runtime.GC()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event %v after it was there", after)
		}
	}
}

func TestWaitFails(t *testing.T) {
	if _, err := Wait(-1, make([]unix.EpollEvent, 1), 0); err != unix.EBADF {
		t.Errorf("%v, want EBADF", err)
	}
}
