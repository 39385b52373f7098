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
	return t.openMany(many{req.Netns, family(remote), req.Count, req.Fewer}, func(c *conn) error {
		if err := c.connect(remote, deadline); err != nil {
			return fmt.Errorf("connect to %s: %w", req.Addr, err)
		}
		return nil
	})
}

// many says which sockets openMany makes.
type many struct {
	netns         string
	family, count int
	fewer         bool // those that can be made are an answer
}

// openMany makes sockets and hands each to setUp. Their handles are in a row.
func (t *Table) openMany(m many, setUp func(c *conn) error) (answer wire.DialManyAnswer, err error) {
	space, err := t.spaces.Space(m.netns)
	if err != nil {
		return answer, err
	}
	made := make([]*conn, 0, max(0, m.count))
	// One visit to the namespace for all: each would cost a thread.
	err = t.spaces.Do(m.netns, func() error {
		for range m.count {
			fd, err := unix.Socket(m.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
			if err != nil {
				return fmt.Errorf("socket: %w", err)
			}
			c := &conn{fd: fd, space: space}
			if err := setUp(c); err != nil {
				c.close()
				return err
			}
			made = append(made, c)
		}
		return nil
	})
	if err != nil && m.fewer {
		answer.Why = err.Error()
	} else if err != nil {
		for _, c := range made {
			c.close()
		}
		return answer, fmt.Errorf("after %d connections: %w", len(made), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	answer.First, answer.Count = t.last+1, len(made)
	for _, c := range made {
		t.last++
		t.all[t.last] = c
	}
	return answer, nil
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
