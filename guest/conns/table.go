package conns

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Namespaces is what the table needs of the agent's network namespaces.
type Namespaces interface {
	// Do runs f on a thread inside the namespace.
	Do(netns string, f func() error) error
	// Space tells two namespaces of one name apart.
	Space(netns string) (any, error)
}

// Table holds the open sockets. It is safe for concurrent use.
type Table struct {
	spaces Namespaces

	mu   sync.Mutex
	last uint64
	all  map[uint64]*conn
}

// NewTable returns an empty table.
func NewTable(spaces Namespaces) *Table {
	return &Table{spaces: spaces, all: map[uint64]*conn{}}
}

// open makes a socket in a namespace and hands it to setUp; the handle exists when that has succeeded.
func (t *Table) open(netns string, family int, setUp func(c *conn) error) (uint64, error) {
	space, err := t.spaces.Space(netns)
	if err != nil {
		return 0, err
	}
	c := &conn{fd: -1, space: space}
	err = t.spaces.Do(netns, func() (err error) {
		c.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	if err := setUp(c); err != nil {
		c.close()
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.all[t.last] = c
	return t.last, nil
}

// get returns an open socket for use until done is called.
func (t *Table) get(handle uint64) (c *conn, done func(), err error) {
	t.mu.Lock()
	c = t.all[handle]
	t.mu.Unlock()
	if c == nil {
		return nil, nil, fmt.Errorf("%w: %d", ErrUnknown, handle)
	}
	done, err = c.use()
	return c, done, err
}

// Close closes a socket in the way that is asked for.
func (t *Table) Close(req wire.CloseRequest) (wire.None, error) {
	c, done, err := t.get(req.Conn)
	if err != nil {
		return wire.None{}, err
	}
	defer done()
	switch req.Mode {
	case wire.CloseFIN, "":
	case wire.CloseReset:
		if err := unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			return wire.None{}, fmt.Errorf("set linger: %w", err)
		}
	case wire.CloseWrite:
		if c.listens {
			return wire.None{}, fmt.Errorf("%w: %q of a listening socket", ErrMode, req.Mode)
		}
		if err := unix.Shutdown(c.fd, unix.SHUT_WR); err != nil {
			return wire.None{}, fmt.Errorf("shut down writing: %w", err)
		}
		return wire.None{}, nil
	default:
		return wire.None{}, fmt.Errorf("%w: %q", ErrMode, req.Mode)
	}
	t.mu.Lock()
	delete(t.all, req.Conn)
	t.mu.Unlock()
	c.close()
	return wire.None{}, nil
}

// CloseAll closes every socket and returns how many there were.
func (t *Table) CloseAll() int {
	return t.closeIf(func(*conn) bool { return true })
}

// CloseIn closes the sockets that were opened in the namespace that has this name now.
func (t *Table) CloseIn(netns string) (int, error) {
	space, err := t.spaces.Space(netns)
	if err != nil {
		return 0, err
	}
	return t.closeIf(func(c *conn) bool { return c.space == space }), nil
}

func (t *Table) closeIf(match func(*conn) bool) int {
	t.mu.Lock()
	var closed []*conn
	for handle, c := range t.all {
		if match(c) {
			closed = append(closed, c)
			delete(t.all, handle)
		}
	}
	t.mu.Unlock()
	for _, c := range closed {
		// With RST: a FIN to a peer that has gone would be sent again for minutes, and hold its namespace meanwhile.
		if !c.listens {
			_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		c.close()
	}
	return len(closed)
}
