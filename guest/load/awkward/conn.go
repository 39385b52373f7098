package awkward

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// smallBuffer is what a slow reader has room for, before the kernel doubles it: less than most answers.
const smallBuffer = 1024

// conn is a connection with deadlines.
type conn struct {
	file *os.File
	raw  syscall.RawConn
	r    *run

	mu      sync.Mutex
	stopped bool // the load has ended: nothing is waited for any more
}

// connect makes a connection of a socket, which it owns.
func (r *run) connect(fd int) (*conn, error) {
	if r.Manner == wire.SlowReader {
		// Before connecting: it decides the window that is offered.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, smallBuffer); err != nil {
			_ = unix.Close(fd)
			return nil, fmt.Errorf("receive buffer: %w", err)
		}
	}
	err := unix.Connect(fd, sockaddr(r.addr))
	if err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return nil, err
	}
	c := &conn{file: os.NewFile(uintptr(fd), "socket"), r: r}
	if c.raw, err = c.file.SyscallConn(); err == nil {
		err = c.established()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Conns++
	return c, nil
}

// established waits until the connection is there.
func (c *conn) established() error {
	c.patience()
	var errno int
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		if _, err := unix.Getpeername(int(fd)); err == nil {
			return true
		}
		errno, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		return errno != 0 || failed != nil
	})
	if err == nil {
		err = failed
	}
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return err
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

func (c *conn) close() { _ = c.file.Close() }

// patience gives whatever comes next its time.
func (c *conn) patience() { c.deadline(time.Now().Add(c.r.Patience)) }

// past is a deadline that ends every wait at once.
var past = time.Unix(1, 0)

func (c *conn) deadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		t = past
	}
	_ = c.file.SetDeadline(t)
}

// stop ends whatever the client waits for, now and later.
func (c *conn) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	_ = c.file.SetDeadline(past)
}

func (c *conn) send(data []byte) error {
	c.patience()
	_, err := c.file.Write(data)
	return err
}

// receive reads what is there, or waits for it.
func (c *conn) receive(buf []byte) (int, error) {
	c.patience()
	return c.file.Read(buf)
}

// pause waits, or ends early with the load.
func (c *conn) pause(d time.Duration) error {
	c.deadline(time.Now().Add(d))
	err := c.raw.Read(func(uintptr) bool { return false }) // not even when there is something
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.stopped {
		return nil
	}
	return err
}

// option sets a socket option for the end of the connection.
func (c *conn) option(set func(fd int) error) error {
	var failed error
	if err := c.raw.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// reset closes with RST.
func (c *conn) reset() error {
	return c.option(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
}

// vanish has close tell nobody: that is what the kernel does with a socket under repair, meant for processes that move
// to another machine.
func (c *conn) vanish() error {
	err := c.option(func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) })
	if err != nil {
		return fmt.Errorf("vanish (which needs CAP_NET_ADMIN): %w", err)
	}
	return nil
}

// outcomeOf says what an error of a system call was for the client.
func outcomeOf(err error) outcome {
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return refused
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return noPort
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE),
		errors.Is(err, unix.ENOTCONN): // of shutdown(2): not any more
		return reset
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, unix.ETIMEDOUT):
		return timeout
	case errors.Is(err, io.EOF):
		return empty
	default:
		return other
	}
}
