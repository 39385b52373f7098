package conns

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// DialMany opens many connections, one after the other, with handles in a row. When one of them fails none is left,
// but where fewer are welcome.
func (t *Table) DialMany(req wire.DialManyRequest) (wire.DialManyAnswer, error) {
	deadline := deadlineAfter(req.Timeout)
	remote, err := netip.ParseAddrPort(req.Addr)
	if err != nil {
		return wire.DialManyAnswer{}, fmt.Errorf("dial: %w", err)
	}
	space, err := t.spaces.Space(req.Netns)
	if err != nil {
		return wire.DialManyAnswer{}, err
	}
	made := make([]*conn, 0, max(0, req.Count))
	// One visit to the namespace for all: each would cost a thread.
	err = t.spaces.Do(req.Netns, func() error {
		for range req.Count {
			fd, err := unix.Socket(family(remote), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
			if err != nil {
				return fmt.Errorf("socket: %w", err)
			}
			c := &conn{fd: fd, space: space}
			if err := c.connect(remote, deadline); err != nil {
				c.close()
				return fmt.Errorf("connect to %s: %w", req.Addr, err)
			}
			made = append(made, c)
		}
		return nil
	})
	var why string
	if err != nil && req.Fewer {
		why = err.Error()
	} else if err != nil {
		for _, c := range made {
			c.close()
		}
		return wire.DialManyAnswer{}, fmt.Errorf("after %d connections: %w", len(made), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.last + 1
	for _, c := range made {
		t.last++
		t.all[t.last] = c
	}
	return wire.DialManyAnswer{First: first, Count: len(made), Why: why}, nil
}

// CloseMany closes connections with handles in a row.
func (t *Table) CloseMany(req wire.CloseManyRequest) (wire.None, error) {
	mode := cmp.Or(req.Mode, wire.CloseReset)
	var errs error
	for handle := req.First; handle < req.First+uint64(req.Count); handle++ {
		_, err := t.Close(wire.CloseRequest{Conn: handle, Mode: mode})
		errs = errors.Join(errs, err)
	}
	return wire.None{}, errs
}
