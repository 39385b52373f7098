package conns

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// conn is an open socket. Its descriptor is closed when it was told to close and nobody uses it any more, since
// the number may then belong to somebody else.
type conn struct {
	fd      int
	space   any // the namespace, as its table tells it from others
	listens bool

	echoes sync.Mutex // guards echo
	echo   echo

	mu      sync.Mutex
	users   int
	closing bool
	wakers  map[int]bool // eventfds of those who wait
}

// use keeps the descriptor open until done is called.
func (c *conn) use() (done func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil, ErrClosed
	}
	c.users++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.users--
		c.finish()
	}, nil
}

// close closes the socket as soon as those who wait on it have been woken and are gone.
func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.closing = true
	for w := range c.wakers {
		_, _ = unix.Write(w, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	c.finish()
}

// finish closes the descriptor when its time has come. The caller holds c.mu.
func (c *conn) finish() {
	if c.closing && c.users == 0 {
		_ = unix.Close(c.fd)
	}
}

// wait waits until the socket has one of the events, until it is being closed or until the deadline, which is
// os.ErrDeadlineExceeded. The caller is a user of the socket.
func (c *conn) wait(events int16, deadline time.Time) error {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	defer unix.Close(wake)
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return ErrClosed
	}
	if c.wakers == nil {
		c.wakers = map[int]bool{}
	}
	c.wakers[wake] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.wakers, wake)
	}()
	for {
		fds := []unix.PollFd{{Fd: int32(c.fd), Events: events}, {Fd: int32(wake), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, pollTimeout(time.Until(deadline)))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("poll: %w", err)
		case fds[1].Revents != 0:
			return ErrClosed
		case n > 0:
			return nil
		case time.Until(deadline) <= 0:
			return os.ErrDeadlineExceeded
		}
	}
}

// pollTimeout rounds up to poll's milliseconds, so that it does not spin through the last one.
func pollTimeout(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}
