package netns

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What makes and destroys namespaces is tested in guests, by the scenarios: it would change the machine of whoever
// runs these tests.

func TestPath(t *testing.T) {
	for _, tt := range []struct{ netns, path, want string }{
		{"", "/sys/kernel/webserver", "/sys/kernel/webserver"},
		{"red", "/sys/kernel/webserver", "/run/ktcp/netns/red/sys/kernel/webserver"},
		{"red", "/sys", "/run/ktcp/netns/red/sys"},
		{"red", "/sys/", "/run/ktcp/netns/red/sys"},
		{"red", "//sys/../sys/class", "/run/ktcp/netns/red/sys/class"},
		{"red", "/sysfs/x", "/sysfs/x"},
		{"red", "/proc/sys/net", "/proc/sys/net"},
		{"red", "/proc/net/tcp", "/proc/thread-self/net/tcp"},
		{"red", "/proc/self/net/tcp", "/proc/thread-self/net/tcp"},
		{"", "/proc/net/tcp", "/proc/thread-self/net/tcp"},
		{"", "/proc/net", "/proc/thread-self/net"},
		{"", "/proc/network", "/proc/network"},
		{"red", "/tmp/x", "/tmp/x"},
	} {
		if got := Path(tt.netns, tt.path); got != tt.want {
			t.Errorf("%s in %q is %s, want %s", tt.path, tt.netns, got, tt.want)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"red", "a.b", "with space", strings.Repeat("x", maxName)} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "/", "a\x00b", strings.Repeat("x", maxName+1)} {
		if err := checkName(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want %v", name, err, ErrName)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	table, err := NewTable()
	if err != nil {
		t.Fatal(err)
	}
	_, space := table.Space("red")
	_, del := table.Delete("red", 0)
	for what, err := range map[string]error{
		"Do":    table.Do("red", func() error { t.Error("entered a namespace that is not there"); return nil }),
		"Space": space, "Delete": del,
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v, want %v", what, err, ErrUnknown)
		}
	}
	if names := table.Names(); len(names) != 0 {
		t.Errorf("names %v, want none", names)
	}
	if n, err := table.Live(); n != 0 || err != nil {
		t.Errorf("%d live namespaces, %v, want none", n, err)
	}
	if space, err := table.Space(""); space != nil || err != nil {
		t.Errorf("the initial namespace is %v, %v", space, err)
	}
	ran := false
	if err := table.Do("", func() error { ran = true; return nil }); err != nil || !ran {
		t.Errorf("in the initial namespace: ran %v, %v", ran, err)
	}
}

func TestReserve(t *testing.T) {
	table, err := NewTable()
	if err != nil {
		t.Fatal(err)
	}
	first, err := table.reserve("red")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.reserve("red"); !errors.Is(err, ErrExists) {
		t.Errorf("reserved twice: %v, want %v", err, ErrExists)
	}
	second, err := table.reserve("blue")
	if err != nil || second == first {
		t.Errorf("numbers %d and %d, %v, want two", first, second, err)
	}
	if n, err := table.Live(); n != 2 || err != nil {
		t.Errorf("%d live namespaces, %v, want the 2 that are being made", n, err)
	}
}

func TestWorkerIn(t *testing.T) {
	proc := t.TempDir()
	add := func(pid, comm string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "comm"), []byte(comm+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorkers(proc)
	check := func(want bool) {
		t.Helper()
		if got, err := w.in(busyWorker); got != want || err != nil {
			t.Errorf("destroying = %v, %v, want %v", got, err, want)
		}
	}
	add("1", "init")
	add("7", "netns")
	add("8", "kworker/u4:1-netns")
	add("9", "kworker/0:1+events")
	if err := os.WriteFile(filepath.Join(proc, "version"), []byte("+netns"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(proc, "10"), 0o755); err != nil { // a thread that has just ended
		t.Fatal(err)
	}
	check(false)
	add("8", "kworker/u4:1+netns")
	check(true)
	add("8", "kworker/u4:1-netns")
	add("11", "kthreadd") // it has been made, and nobody has named it
	check(false)
	add("11", "kworker/0:2+netns")
	check(true)
	if diff := cmp.Diff(map[string]bool{"1": true, "7": true}, w.others); diff != "" {
		t.Errorf("no workers, not to be asked again (-want +got):\n%s", diff)
	}
}
