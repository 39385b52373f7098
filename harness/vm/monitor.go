package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
)

// maxSocketPath is the longest name of a unix socket, in bytes.
const maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// openMonitor returns a monitor, connected before QEMU starts, and the listening socket that QEMU must inherit: the
// connection waits in its backlog, so that nothing is polled and no file remains.
func openMonitor(c *cache.Dir) (m *monitor, listener *os.File, err error) {
	dir, release, err := c.Scratch("qmp")
	if err != nil {
		return nil, nil, fmt.Errorf("make place for QEMU's monitor: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	if len(dir)+2 > maxSocketPath {
		if dir, err = os.MkdirTemp("", "ktcp-"); err != nil {
			return nil, nil, fmt.Errorf("make place for QEMU's monitor: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	path := filepath.Join(dir, "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket for QEMU's monitor: %w", err)
	}
	listener = os.NewFile(uintptr(fd), path)
	if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
		err = unix.Listen(fd, 1)
	}
	var conn *net.UnixConn
	if err == nil {
		conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	}
	if err != nil {
		listener.Close()
		return nil, nil, fmt.Errorf("make QEMU's monitor at %s: %w", path, err)
	}
	return newMonitor(conn), listener, nil
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

// transcript lists the events so far, one a line.
func (m *monitor) transcript() []byte {
	var b bytes.Buffer
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		fmt.Fprintf(&b, "%s %s", eventTime(e).UTC().Format("15:04:05.000000"), e.Event)
		if len(e.Data) > 0 {
			if data, err := json.Marshal(e.Data); err == nil {
				fmt.Fprintf(&b, " %s", data)
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// eventTime is when QEMU sent an event, by the host's clock.
func eventTime(e qmp.Event) time.Time {
	return time.Unix(e.Timestamp.Seconds, e.Timestamp.Microseconds*int64(time.Microsecond))
}

// named matches events by name.
func named(name string) func(qmp.Event) bool {
	return func(e qmp.Event) bool { return e.Event == name }
}

// portOpened matches the guest's opening of the agent's port.
func portOpened(e qmp.Event) bool {
	return e.Event == "VSERPORT_CHANGE" && e.Data["id"] == idAgent && e.Data["open"] == true
}
