package ledger

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

const leak = `      3 kmalloc_trace+0x27/0x40 age=2/2/3 pid=9 cpus=0
        kmalloc_trace+0x27/0x40
        kweb_start+0x40/0x120 [kweb]
        vfs_write+0x10/0x20

`

const timeWait = `      1 inet_twsk_alloc+0x27/0x40 age=1 pid=9 cpus=0
        inet_twsk_alloc+0x27/0x40
        kweb_release+0x40/0x120 [kweb]

`

// fake is a ledger of files that a test writes.
func fake(t testing.TB, traces map[string]string) *Ledger {
	t.Helper()
	l := &Ledger{
		traces: t.TempDir(), slabs: t.TempDir(), vmalloc: filepath.Join(t.TempDir(), "vmallocinfo"), hz: 250, settle: func([]string) {},
	}
	if err := os.WriteFile(l.vmalloc, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for cache, text := range traces {
		l.put(t, cache, text)
		dir := filepath.Join(l.slabs, cache)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "object_size"), []byte("128\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// put sets the traces of one cache.
func (l *Ledger) put(t testing.TB, cache, text string) {
	t.Helper()
	dir := filepath.Join(l.traces, cache)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alloc_traces"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var leakSite = wire.Site{
	Cache: "kmalloc-128", Count: 3, Size: 128, AgeMin: 8 * time.Millisecond, AgeMax: 12 * time.Millisecond,
	Stack: []wire.StackFrame{
		{Func: "kmalloc_trace", Offset: 0x27, Size: 0x40}, {Func: "kweb_start", Offset: 0x40, Size: 0x120, Module: "kweb"},
		{Func: "vfs_write", Offset: 0x10, Size: 0x20},
	},
}

func read(t testing.TB, l *Ledger, req wire.LedgerRequest) wire.LedgerAnswer {
	t.Helper()
	answer, err := l.Read(req)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestReadFindsTheModulesSites(t *testing.T) {
	l := fake(t, map[string]string{"kmalloc-128": leak, "kmalloc-64": "No data\n", "tw_sock_TCP": timeWait})
	if err := os.Mkdir(filepath.Join(l.traces, "untracked"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := read(t, l, wire.LedgerRequest{Name: "kweb"})
	if got.Caches != 3 {
		t.Errorf("read %d caches, want 3: one has no traces", got.Caches)
	}
	if len(got.Sites) != 2 {
		t.Fatalf("sites = %+v, want 2", got.Sites)
	}
	if diff := cmp.Diff(leakSite, got.Sites[0]); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
	if s := got.Sites[1]; s.Cache != "tw_sock_TCP" || !s.Protocol {
		t.Errorf("site = %+v, want one of tw_sock_TCP that the protocol keeps", s)
	}
	if got := read(t, l, wire.LedgerRequest{Name: "other"}); len(got.Sites) != 0 {
		t.Errorf("sites of another module = %+v, want none", got.Sites)
	}
}

func TestReadLeavesOutWhatIsOlderThanTheModule(t *testing.T) {
	l := fake(t, map[string]string{"kmalloc-128": leak})
	up, err := monotonic() // uptime
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, wire.LedgerRequest{Name: "kweb", Since: up - time.Second}); len(got.Sites) != 1 {
		t.Errorf("sites of a module loaded a second ago = %+v, want one, 8 ms old", got.Sites)
	}
	// Ages are only as exact as a tick, so the module is from the future.
	if got := read(t, l, wire.LedgerRequest{Name: "kweb", Since: up + time.Minute}); len(got.Sites) != 0 {
		t.Errorf("sites of a module that is younger than they = %+v, want none", got.Sites)
	}
}

func TestReadWithoutTraces(t *testing.T) {
	l := fake(t, nil)
	l.traces = filepath.Join(l.traces, "absent")
	if got := read(t, l, wire.LedgerRequest{Name: "kweb"}); got.Caches != 0 {
		t.Errorf("read %d caches of a kernel that keeps no traces, want 0", got.Caches)
	}
}

func TestReadPassesOverWhatOthersTell(t *testing.T) {
	l := fake(t, map[string]string{"kernfs_node_cache": leak, "dentry": leak})
	got := read(t, l, wire.LedgerRequest{Name: "kweb"})
	if len(got.Sites) != 1 || got.Sites[0].Cache != "dentry" {
		t.Errorf("sites = %+v, want that of dentry alone", got.Sites)
	}
}

func TestReadReportsGarbage(t *testing.T) {
	l := fake(t, map[string]string{"kmalloc-128": "what is [kweb] this\n\n"})
	if _, err := l.Read(wire.LedgerRequest{Name: "kweb"}); err == nil {
		t.Error("no error for traces in an unknown format: a leak could hide there")
	}
}
