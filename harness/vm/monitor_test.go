package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ktcp/harness/cache"
)

// fakeQEMU is a monitor whose other end the test plays, from the greeting on.
func fakeQEMU(t *testing.T) (*monitor, net.Conn, *bufio.Scanner) {
	t.Helper()
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, listener, err := openMonitor(c)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if left := temporary(t, c); len(left) != 0 {
		t.Errorf("the socket is left: %v", left)
	}
	l, err := net.FileListener(listener)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	qemu, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go m.run()
	t.Cleanup(func() {
		qemu.Close()
		m.close()
	})
	in := bufio.NewScanner(qemu)
	in.Split(splitObjects)
	say(t, qemu, `{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}}`)
	if got := command(t, in).Execute; got != "qmp_capabilities" {
		t.Fatalf("first command %q", got)
	}
	say(t, qemu, `{"return": {}}`)
	return m, qemu, in
}

// splitObjects splits commands, which come without newlines: ours hold no braces in strings.
func splitObjects(data []byte, _ bool) (int, []byte, error) {
	depth := 0
	for i, b := range data {
		switch b {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1, data[:i+1], nil
			}
		}
	}
	return 0, nil, nil
}

type qmpCommand struct {
	ID        uint64            `json:"id"`
	Execute   string            `json:"execute"`
	Arguments map[string]string `json:"arguments"`
}

func command(t *testing.T, in *bufio.Scanner) (c qmpCommand) {
	t.Helper()
	if !in.Scan() {
		t.Fatalf("no command: %v", in.Err())
	}
	if err := json.Unmarshal(in.Bytes(), &c); err != nil {
		t.Fatalf("command %q: %v", in.Bytes(), err)
	}
	return c
}

func say(t *testing.T, qemu net.Conn, line string) {
	t.Helper()
	if _, err := fmt.Fprintf(qemu, "%s\r\n", line); err != nil {
		t.Fatal(err)
	}
}

// TestMonitor has a QEMU that answers late, in between events, and with errors.
func TestMonitor(t *testing.T) {
	m, qemu, in := fakeQEMU(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.within(ctx).HumanMonitorCommand("info registers", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("command without an answer: %v", err)
	}
	late := command(t, in)
	done := make(chan struct{})
	go func() {
		defer close(done)
		got, err := m.within(t.Context()).HumanMonitorCommand("info cpus", nil)
		if err != nil || got != "CPU #0" {
			t.Errorf("answer %q, %v", got, err)
		}
	}()
	next := command(t, in)
	if next.Arguments["command-line"] != "info cpus" {
		t.Errorf("second command %+v", next)
	}
	say(t, qemu, fmt.Sprintf(`{"return": "too late", "id": %d}`, late.ID))
	say(t, qemu, `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "VSERPORT_CHANGE", "data": {"open": true, "id": "agent"}}`)
	say(t, qemu, fmt.Sprintf(`{"return": "CPU #0", "id": %d}`, next.ID))
	<-done
	if _, ok := m.find(portOpened); !ok {
		t.Errorf("the event was lost: %s", m.transcript())
	}
	qemu.Close()
	if _, err := m.await(t.Context(), named("SHUTDOWN")); !errors.Is(err, errMonitorGone) {
		t.Errorf("event of a QEMU that ended: %v", err)
	}
	if err := m.within(t.Context()).Cont(); !errors.Is(err, errMonitorGone) {
		t.Errorf("command to a QEMU that ended: %v", err)
	}
}

// TestMonitorErrorIsQEMUs passes on what QEMU says.
func TestMonitorErrorIsQEMUs(t *testing.T) {
	m, qemu, in := fakeQEMU(t)
	result := make(chan error)
	go func() { result <- m.command(t.Context(), "migrate", map[string]string{"uri": "fd:state"}, nil) }()
	got := command(t, in)
	if got.Execute != "migrate" || got.Arguments["uri"] != "fd:state" {
		t.Errorf("command %+v", got)
	}
	say(t, qemu, fmt.Sprintf(`{"error": {"class": "GenericError", "desc": "State blocked by 9p"}, "id": %d}`, got.ID))
	if err := <-result; err == nil || !strings.Contains(err.Error(), "QMP migrate: State blocked by 9p") {
		t.Errorf("error %v, want QEMU's words", err)
	}
}

// TestMonitorOfALongCachePath has a cache whose path does not fit into a socket's name.
func TestMonitorOfALongCachePath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := cache.OpenAt(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	m, listener, err := openMonitor(c)
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	m.conn.Close()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("the socket is left: %v, %v", left, err)
	}
}
