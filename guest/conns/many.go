package conns

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// DialMany opens many connections, one after the other, with handles in a row. When one of them fails none is left.
func (t *Table) DialMany(req wire.DialManyRequest) (wire.DialManyAnswer, error) {
	deadline := deadlineAfter(req.Timeout)
	remote, err := netip.ParseAddrPort(req.Addr)
	if err != nil {
		return wire.DialManyAnswer{}, fmt.Errorf("dial: %w", err)
	}
	first, err := t.openMany(req.Netns, family(remote), req.Count, func(c *conn) error {
		if err := c.connect(remote, deadline); err != nil {
			return fmt.Errorf("connect to %s: %w", req.Addr, err)
		}
		return nil
	})
	return wire.DialManyAnswer{First: first}, err
}

// openMany makes sockets in a namespace and hands each to setUp. It returns the first of their handles, which are in a row.
func (t *Table) openMany(netns string, family, count int, setUp func(c *conn) error) (first uint64, err error) {
	space, err := t.spaces.Space(netns)
	if err != nil {
		return 0, err
	}
	made := make([]*conn, 0, max(0, count))
	// One visit to the namespace for all: each would cost a thread.
	err = t.spaces.Do(netns, func() error {
		for range count {
			fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
			if err != nil {
				return fmt.Errorf("socket: %w", err)
			}
			c := &conn{fd: fd, space: space}
			made = append(made, c)
			if err := setUp(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, c := range made {
			c.close()
		}
		return 0, fmt.Errorf("after %d connections: %w", max(0, len(made)-1), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	first = t.last + 1
	for _, c := range made {
		t.last++
		t.all[t.last] = c
	}
	return first, nil
}

// CloseMany closes connections with handles in a row, with RST.
func (t *Table) CloseMany(req wire.CloseManyRequest) (wire.None, error) {
	var errs error
	for handle := req.First; handle < req.First+uint64(req.Count); handle++ {
		_, err := t.Close(wire.CloseRequest{Conn: handle, Mode: wire.CloseReset})
		errs = errors.Join(errs, err)
	}
	return wire.None{}, errs
}
