package kmod

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestParseModules(t *testing.T) {
	text, err := os.ReadFile("testdata/6.1-modules")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseModules(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []wire.LoadedModule{
		{Name: "kweb", Size: 32768, State: "Live", Taint: "OE"},
		{Name: "virtio_console", Size: 40960, Refcount: 1, State: "Live"},
		{Name: "virtio_pci", Size: 24576, State: "Live"},
		{Name: "virtio", Size: 20480, Refcount: 2, Holders: []string{"virtio_console", "virtio_pci"}, State: "Live"},
		{Name: "virtio_pci_modern_dev", Size: 20480, Refcount: 1, Holders: []string{"virtio_pci"}, State: "Live"},
		{Name: "virtio_ring", Size: 49152, Refcount: 3, Holders: []string{"virtio_console", "virtio_pci", "virtio"}, State: "Live"},
		{Name: "virtio_pci_legacy_dev", Size: 16384, Refcount: 1, Holders: []string{"virtio_pci"}, State: "Live"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	got, err = parseModules("a 16384 -1 - Unloading 0xffffffffc0000000 (OE-)\nb 1 - - Live 0x0\nc 1 1 [permanent], Live 0x0\n")
	if err != nil {
		t.Fatal(err)
	}
	want = []wire.LoadedModule{
		{Name: "a", Size: 16384, Refcount: -1, State: "Unloading", Taint: "OE-"},
		{Name: "b", Size: 1, State: "Live"},
		{Name: "c", Size: 1, Refcount: 1, Holders: []string{"[permanent]"}, State: "Live"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"short line\n", "a x 0 - Live 0x0\n", "a 1 x - Live 0x0\n"} {
		if _, err := parseModules(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestReadSections(t *testing.T) {
	module := t.TempDir()
	dir := filepath.Join(module, "sections")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{".text": "0xffffffffc0400000\n", ".init.text": "0xffffffffc0410000\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readSections(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]uint64{".text": 0xffffffffc0400000, ".init.text": 0xffffffffc0410000}, got); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
	got, err = readSections(dir, []string{".init.text", ".exit.text"})
	if diff := cmp.Diff(map[string]uint64{".init.text": 0xffffffffc0410000}, got); err != nil || diff != "" {
		t.Errorf("%v, only those that are asked for and are there (-want +got):\n%s", err, diff)
	}
	if got, err := readSections(filepath.Join(module, "absent"), nil); err != nil || len(got) != 0 {
		t.Errorf("module without sections: %v, %v, want none and no error", got, err)
	}
	if _, err := readSections(filepath.Join(module, "absent", "sections"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("module under another name: error = %v, want %v", err, os.ErrNotExist)
	}
	if err := os.WriteFile(filepath.Join(dir, ".data"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readSections(dir, nil); err == nil {
		t.Error("no error for a section without an address")
	}
}

func TestRmmod(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		want  wire.RmmodAnswer
		fails error
	}{
		{name: "done", want: wire.RmmodAnswer{Done: true}},
		{name: "in use", err: syscall.EWOULDBLOCK, want: wire.RmmodAnswer{Errno: int(syscall.EWOULDBLOCK)}},
		{name: "going already", err: syscall.EBUSY, want: wire.RmmodAnswer{Errno: int(syscall.EBUSY)}},
		{name: "not loaded", err: syscall.ENOENT, fails: syscall.ENOENT},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := &Unloader{remove: func(string, uintptr) error { return tt.err }}
			got, err := u.Rmmod(wire.RmmodRequest{Name: "no_such_module"})
			if !errors.Is(err, tt.fails) {
				t.Fatalf("error = %v, want %v", err, tt.fails)
			}
			got.Elapsed = 0
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRmmodThatHangs unloads a module whose exit does not return: the first request runs out of time, the second
// joins it, and when the exit returns after all the third asks the kernel again.
func TestRmmodThatHangs(t *testing.T) {
	calls := 0
	release := make(chan struct{})
	u := &Unloader{remove: func(string, uintptr) error {
		calls++
		<-release
		return nil
	}, Stacks: func(req wire.StacksRequest) (wire.StacksAnswer, error) {
		return wire.StacksAnswer{Threads: []wire.Thread{{PID: 40, Comm: "in " + req.Module}}}, nil
	}}
	req := wire.RmmodRequest{Name: "no_such_module", Deadline: 10 * time.Millisecond}
	for range 2 {
		got, err := u.Rmmod(req)
		if err != nil || got.Done || got.Stack == "" || got.Elapsed < req.Deadline {
			t.Fatalf("answer = %+v, %v, want not done, with a stack, after the deadline", got, err)
		}
		if diff := cmp.Diff([]wire.Thread{{PID: 40, Comm: "in no_such_module"}}, got.Inside); diff != "" {
			t.Errorf("who is inside (-want +got):\n%s", diff)
		}
	}
	close(release)
	req.Deadline = time.Minute
	if got, err := u.Rmmod(req); err != nil || !got.Done {
		t.Fatalf("answer = %+v, %v, want done", got, err)
	}
	if calls > 2 {
		t.Errorf("the kernel was asked %d times: a request that hangs must be joined", calls)
	}
	if got, err := u.Rmmod(req); err != nil || !got.Done {
		t.Errorf("answer = %+v, %v, want done", got, err)
	}
}

func TestTasksInside(t *testing.T) {
	dir := t.TempDir()
	for tid, stack := range map[string]string{
		"10": "[<0>] __flush_work+0x1/0x2\n[<0>] kecho_exit+0x1/0x2 [kecho]\n", // the one that waits
		"11": "[<0>] mutex_lock+0x1/0x2\n[<0>] status_store+0x1/0x2 [kecho]\n",
		"12": "[<0>] futex_wait+0x1/0x2\n",
		"13": "[<0>] status_store+0x1/0x2 [kecho2]\n",
	} {
		if err := os.Mkdir(filepath.Join(dir, tid), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"stack": stack, "comm": "agent\n"} {
			if err := os.WriteFile(filepath.Join(dir, tid, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := tasksInside(dir, "kecho", 10)
	if len(got) != 1 || got[0].PID != 11 || got[0].Comm != "agent" || got[0].Stack == "" {
		t.Errorf("got %+v, want the one other thread that is in kecho", got)
	}
}
