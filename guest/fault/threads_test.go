package fault

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

// threads returns what has threads fail in a procfs that is made up, and a way to look at what was written about each.
func threads(t *testing.T, all ...wire.Thread) (on *Threads, nth func(pid int) string) {
	t.Helper()
	proc := t.TempDir()
	file := func(pid int) string { return filepath.Join(proc, strconv.Itoa(pid), "fail-nth") }
	for _, thread := range all {
		if err := os.Mkdir(filepath.Dir(file(thread.PID)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(thread.PID), []byte("0\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	on = &Threads{List: func() ([]wire.Thread, error) { return all, nil }, proc: proc, ready: func() error { return nil }}
	return on, func(pid int) string {
		text, err := os.ReadFile(file(pid))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestThreadsFail(t *testing.T) {
	on, nth := threads(t, wire.Thread{PID: kthreadd, Comm: "kthreadd"}, wire.Thread{PID: 7, Comm: "kworker/0:1"},
		wire.Thread{PID: 8, Comm: "echo"}, wire.Thread{PID: 9, Comm: "kworker/1:0"})
	if _, err := on.Arm(wire.FailThreadsRequest{N: 3}); err != nil {
		t.Fatal(err)
	}
	if got := nth(kthreadd) + nth(7) + nth(8) + nth(9); got != "0\n333" {
		t.Errorf("armed: %q", got)
	}
	// One reaches its allocation, one ends, one does neither.
	if err := os.WriteFile(filepath.Join(on.proc, "8", "fail-nth"), []byte("0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(on.proc, "9")); err != nil {
		t.Fatal(err)
	}
	got, err := on.Disarm(wire.None{})
	if diff := cmp.Diff([]string{"echo"}, got.Failed); diff != "" || err != nil {
		t.Errorf("%v; failed (-want +got):\n%s", err, diff)
	}
	if got := nth(7); got != "0" {
		t.Errorf("one that has not failed is left armed: %q", got)
	}
}

func TestThreadsRefuse(t *testing.T) {
	on, _ := threads(t)
	if _, err := on.Arm(wire.FailThreadsRequest{N: 1}); err == nil {
		t.Error("no thread to fail is no error")
	}
	if _, err := on.Arm(wire.FailThreadsRequest{}); err == nil {
		t.Error("allocation 0 is no error")
	}
	on.ready = func() error { return ErrUnsupported }
	if _, err := on.Arm(wire.FailThreadsRequest{N: 1}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v, want %v", err, ErrUnsupported)
	}
}
