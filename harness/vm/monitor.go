package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
)

// monitor speaks QMP. It is connected before QEMU starts: the connection waits in the backlog of the listening socket
// that QEMU inherits, so that nothing is polled and no file remains.
type monitor struct {
	qmp *qmp.SocketMonitor

	ready chan struct{} // closed when the handshake is over
	err   error         // of the handshake; read it after ready
	ended chan struct{} // closed when there will be no more events

	mu     sync.Mutex
	events []qmp.Event
	more   chan struct{} // closed and replaced at every event
}

// errMonitorGone is the error of a command whose QEMU ended.
var errMonitorGone = errors.New("QEMU's monitor is gone")

// maxSocketPath is the longest name of a unix socket, in bytes.
const maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// newMonitor returns a monitor and the listening socket that QEMU must inherit.
func newMonitor(c *cache.Dir) (m *monitor, listener *os.File, err error) {
	dir, release, err := c.Scratch("qmp")
	if err != nil {
		return nil, nil, fmt.Errorf("make place for QEMU's monitor: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	path := filepath.Join(dir, "s")
	if len(path) > maxSocketPath {
		if dir, err = os.MkdirTemp("", "ktcp-"); err != nil {
			return nil, nil, fmt.Errorf("make place for QEMU's monitor: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		path = filepath.Join(dir, "s")
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket for QEMU's monitor: %w", err)
	}
	listener = os.NewFile(uintptr(fd), path)
	if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
		err = unix.Listen(fd, 1)
	}
	if err != nil {
		listener.Close()
		return nil, nil, fmt.Errorf("listen on %s for QEMU's monitor: %w", path, err)
	}
	conn, err := qmp.NewSocketMonitor("unix", path, time.Second)
	if err != nil {
		listener.Close()
		return nil, nil, fmt.Errorf("connect to QEMU's monitor: %w", err)
	}
	return &monitor{
		qmp: conn, ready: make(chan struct{}), ended: make(chan struct{}), more: make(chan struct{}),
	}, listener, nil
}

// run shakes hands and then collects events until QEMU ends.
func (m *monitor) run() {
	defer close(m.ended)
	if m.err = m.qmp.Connect(); m.err != nil {
		m.err = fmt.Errorf("%w: %w", errMonitorGone, m.err)
		close(m.ready)
		return
	}
	events, err := m.qmp.Events(context.Background())
	m.err = err
	close(m.ready)
	for e := range events {
		m.mu.Lock()
		m.events = append(m.events, e)
		close(m.more)
		m.more = make(chan struct{})
		m.mu.Unlock()
	}
}

// close ends the connection. QEMU must have ended, or never have started with the listening socket closed.
func (m *monitor) close() {
	<-m.ready
	_ = m.qmp.Disconnect()
	<-m.ended
}

// command runs a QMP command. A result is decoded into out unless that is nil. file goes with the command as its
// descriptor.
func (m *monitor) command(ctx context.Context, name string, arguments, out any, file ...*os.File) error {
	text, err := json.Marshal(qmp.Command{Execute: name, Args: arguments})
	if err != nil {
		return fmt.Errorf("encode QMP %s: %w", name, err)
	}
	select {
	case <-m.ready:
	case <-ctx.Done():
		return fmt.Errorf("wait for QEMU's monitor: %w", ctx.Err())
	}
	if m.err != nil {
		return m.err
	}
	type result struct {
		text []byte
		err  error
	}
	// The library waits for QEMU without a deadline; what it waits for ends at the latest with QEMU.
	answer := make(chan result, 1)
	go func() {
		var r result
		if len(file) > 0 {
			r.text, r.err = m.qmp.RunWithFile(text, file[0])
		} else {
			r.text, r.err = m.qmp.Run(text)
		}
		answer <- r
	}()
	select {
	case r := <-answer:
		if r.err != nil {
			select {
			case <-m.ended:
				return fmt.Errorf("QMP %s: %w", name, errMonitorGone)
			default:
				return fmt.Errorf("QMP %s: %w", name, r.err)
			}
		}
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(r.text, &struct{ Return any }{out}); err != nil {
			return fmt.Errorf("decode answer to QMP %s: %w", name, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("QMP %s: %w", name, ctx.Err())
	}
}

// find returns the first event that match accepts.
func (m *monitor) find(match func(qmp.Event) bool) (qmp.Event, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if match(e) {
			return e, true
		}
	}
	return qmp.Event{}, false
}

// await waits for an event, past or to come.
func (m *monitor) await(ctx context.Context, match func(qmp.Event) bool) (qmp.Event, error) {
	for {
		m.mu.Lock()
		more := m.more
		m.mu.Unlock()
		if e, ok := m.find(match); ok {
			return e, nil
		}
		select {
		case <-more:
		case <-m.ended:
			if e, ok := m.find(match); ok {
				return e, nil
			}
			return qmp.Event{}, errMonitorGone
		case <-ctx.Done():
			return qmp.Event{}, ctx.Err()
		}
	}
}

// named matches events by name.
func named(name string) func(qmp.Event) bool {
	return func(e qmp.Event) bool { return e.Event == name }
}

// portOpened matches the guest's opening of the agent's port.
func portOpened(e qmp.Event) bool {
	return e.Event == "VSERPORT_CHANGE" && e.Data["id"] == idAgent && e.Data["open"] == true
}
