package port

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFind(t *testing.T) {
	class := t.TempDir()
	for dev, name := range map[string]string{"vport1p1": "org.qemu.guest_agent.0\n", "vport1p2": "ktcp.agent\n", "vport1p3": ""} {
		if err := os.MkdirAll(filepath.Join(class, dev), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(class, dev, "name"), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(class, "vport1p4"), 0o755); err != nil { // one that has not got its name yet
		t.Fatal(err)
	}
	for _, tt := range []struct{ class, name, want string }{
		{class, "ktcp.agent", "vport1p2"}, {class, "other", ""}, {filepath.Join(class, "absent"), "ktcp.agent", ""},
	} {
		if got, err := find(tt.class, tt.name); got != tt.want || err != nil {
			t.Errorf("%s is %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// TestReadOutlivesTheHost reads from a pipe whose writer goes away and comes back, as the host does between a
// template and its clone.
func TestReadOutlivesTheHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "port")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	hangups := 0
	p := &Port{fd: fd, onHangup: func() error {
		if hangups++; hangups > 2 {
			return io.ErrClosedPipe
		}
		host, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer host.Close()
		_, err = host.WriteString("hello")
		return err
	}}
	for range 2 {
		buf := make([]byte, 5)
		if n, err := io.ReadFull(p, buf); n != 5 || err != nil || string(buf) != "hello" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
	}
	if hangups != 2 {
		t.Errorf("waited for the host %d times, want 2", hangups)
	}
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("read: %v, want the error of waiting", err)
	}
}

func TestWriteWritesAll(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &Port{fd: int(w.Fd())}
	data := make([]byte, 1<<20) // far more than a pipe holds
	go func() {
		if n, err := p.Write(data); n != len(data) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		w.Close()
	}()
	got, err := io.ReadAll(r)
	if err != nil || len(got) != len(data) {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(data))
	}
	r.Close()
}
