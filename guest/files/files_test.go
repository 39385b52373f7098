package files

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

// in is a guest whose root is dir.
func in(dir string) Files {
	return Files{
		Enter: func(netns string, f func() error) error {
			if netns == "absent" {
				return os.ErrNotExist
			}
			return f()
		},
		Translate: func(_, path string) string { return filepath.Join(dir, path) },
	}
}

// runLoop starts a loop and waits for its end.
func runLoop(f Files, req wire.WriteLoopRequest) (wire.WriteLoopAnswer, error) {
	l := NewLoops(f)
	started, err := l.Start(req)
	if err != nil {
		return wire.WriteLoopAnswer{}, err
	}
	return l.Wait(wire.WriteLoopWaitRequest(started))
}

func TestReadWriteList(t *testing.T) {
	dir := t.TempDir()
	f := in(dir)
	large := make([]byte, 3*readChunk+1)
	for name, data := range map[string][]byte{"status": []byte("0\n"), "large": large, "empty": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(wire.WriteRequest{Path: "/status", Data: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Read(wire.FileRequest{Path: "/status"}); err != nil || string(got.Data) != "1" {
		t.Errorf("read %q, %v, want what was written and no more", got.Data, err)
	}
	if got, err := f.Read(wire.FileRequest{Path: "/large"}); err != nil || len(got.Data) != len(large) {
		t.Errorf("read %d bytes, %v, want %d", len(got.Data), err, len(large))
	}
	if got, err := f.Read(wire.FileRequest{Path: "/empty"}); err != nil || len(got.Data) != 0 {
		t.Errorf("read %q, %v, want nothing", got.Data, err)
	}
	got, err := f.List(wire.FileRequest{Path: "/"})
	if diff := cmp.Diff([]string{"data/", "empty", "large", "status"}, got.Names); err != nil || diff != "" {
		t.Errorf("list: %v, names (-want +got):\n%s", err, diff)
	}
}

func TestErrorsNameThePathThatWasAskedFor(t *testing.T) {
	f := in(t.TempDir())
	_, read := f.Read(wire.FileRequest{Path: "/absent"})
	_, write := f.Write(wire.WriteRequest{Path: "/absent", Data: []byte("1")})
	_, list := f.List(wire.FileRequest{Path: "/absent"})
	_, loop := runLoop(f, wire.WriteLoopRequest{Path: "/absent", Values: []string{"1"}, Count: 1, Threads: 2})
	_, dir := f.Read(wire.FileRequest{Path: "/"})
	for _, tt := range []struct {
		err   error
		text  string
		errno syscall.Errno
	}{
		{read, "open /absent: no such file or directory", syscall.ENOENT},
		{write, "open /absent: no such file or directory", syscall.ENOENT},
		{list, "list /absent: no such file or directory", syscall.ENOENT},
		{loop, "open /absent: no such file or directory", syscall.ENOENT},
		{dir, "read /: is a directory", syscall.EISDIR},
	} {
		if tt.err == nil || tt.err.Error() != tt.text || !errors.Is(tt.err, tt.errno) {
			t.Errorf("error = %v, want %s", tt.err, tt.text)
		}
	}
	if _, err := f.Read(wire.FileRequest{Netns: "absent", Path: "/"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unknown namespace: %v", err)
	}
}

func TestWriteLoop(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "status")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f := in(dir)
	var mu sync.Mutex
	entered := 0
	enter := f.Enter
	f.Enter = func(netns string, work func() error) error {
		mu.Lock()
		entered++
		mu.Unlock()
		return enter(netns, work)
	}
	got, err := runLoop(f, wire.WriteLoopRequest{Path: "/status", Values: []string{"0", "1"}, Count: 50, Threads: 4})
	want := wire.WriteLoopAnswer{OK: 200, Errnos: map[int]int{}, Texts: map[int]string{}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, answer (-want +got):\n%s", err, diff)
	}
	if entered != 4 {
		t.Errorf("%d threads, want 4", entered)
	}
	if text, err := os.ReadFile(path); err != nil || (string(text) != "0" && string(text) != "1") {
		t.Errorf("the file holds %q, %v, want one of the values", text, err)
	}
}

func TestWriteLoopEndsWithItsFile(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  func(n int) error // of the write of that number
		ok, not int
	}{
		{"goes", func(n int) error {
			if n < 5 {
				return nil
			}
			return syscall.ENODEV
		}, 5, afterGone},
		{"comes and goes", func(n int) error {
			if n%2 == 0 {
				return nil
			}
			return syscall.ENODEV
		}, 500, 500},
	} {
		n := 0
		ok, errnos := writeValues(func([]byte) error { n++; return tt.answer(n - 1) }, []string{"1"}, 1000, 0)
		if ok != tt.ok || errnos[int(syscall.ENODEV)] != tt.not {
			t.Errorf("%s: %d written, %v, want %d and %d", tt.name, ok, errnos, tt.ok, tt.not)
		}
	}
}

// TestWriteLoopCountsErrnos writes to what is always full.
func TestWriteLoopCountsErrnos(t *testing.T) {
	got, err := runLoop(in("/dev"), wire.WriteLoopRequest{Path: "/full", Values: []string{"x"}, Count: 10, Threads: 3})
	want := wire.WriteLoopAnswer{
		Errnos: map[int]int{int(syscall.ENOSPC): 30}, Texts: map[int]string{int(syscall.ENOSPC): syscall.ENOSPC.Error()},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, answer (-want +got):\n%s", err, diff)
	}
	if _, err := in("/dev").Write(wire.WriteRequest{Path: "/full", Data: []byte("x")}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %v, want %v", err, syscall.ENOSPC)
	}
}

func TestWriteLoopRefusesNonsense(t *testing.T) {
	for _, req := range []wire.WriteLoopRequest{
		{Path: "/x", Count: 1}, {Path: "/x", Values: []string{"1"}, Count: -1}, {Path: "/x", Values: []string{"1"}, Threads: maxThreads + 1},
	} {
		if _, err := runLoop(in(t.TempDir()), req); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%+v: %v, want %v", req, err, syscall.EINVAL)
		}
	}
}

// When a loop has been started, something was written, and it goes on until its end.
func TestWriteLoopHasBegun(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "status")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := NewLoops(in(dir))
	started, err := l.Start(wire.WriteLoopRequest{Path: "/status", Values: []string{"1"}, Count: 3, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "1" {
		t.Errorf("by then the file holds %q, %v, want what is written", text, err)
	}
	got, err := l.Wait(wire.WriteLoopWaitRequest(started))
	if err != nil || got.OK != 3 {
		t.Errorf("%d writes, %v, want 3", got.OK, err)
	}
	if _, err := l.Wait(wire.WriteLoopWaitRequest(started)); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("waited for twice: %v, want %v", err, syscall.ESRCH)
	}
}
