package survivors

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestParseTCP(t *testing.T) {
	for _, tt := range []struct {
		kernel string
		want   []wire.Socket
	}{
		{"6.1", []wire.Socket{
			{State: "LISTEN", Local: "0.0.0.0:9999", Remote: "0.0.0.0:0", Inode: 11182},
			{State: "LISTEN", Local: "0.0.0.0:33711", Remote: "0.0.0.0:0", Inode: 834},
			{State: "CLOSE_WAIT", Local: "127.0.0.1:42616", Remote: "127.0.0.1:9999", Inode: 838},
			{State: "FIN_WAIT2", Local: "127.0.0.1:9999", Remote: "127.0.0.1:42616"},
			{State: "TIME_WAIT", Local: "127.0.0.1:9999", Remote: "127.0.0.1:44200"},
			{State: "TIME_WAIT", Local: "127.0.0.1:9999", Remote: "127.0.0.1:33926"},
		}},
	} {
		text, err := os.ReadFile("testdata/" + tt.kernel + "-tcp")
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseTCP(string(text))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, sockets (-want +got):\n%s", tt.kernel, err, diff)
		}
	}
}

func TestParseSocket(t *testing.T) {
	const v6 = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 77 1"
	const mapped = "   0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:C001 0C 0:0 00:0 0 0 0 0 1"
	for _, tt := range []struct {
		line string
		want wire.Socket
	}{
		{v6, wire.Socket{State: "LISTEN", Local: "[::1]:8080", Remote: "[::]:0", Inode: 77}},
		{mapped, wire.Socket{State: "SYN_RECV", Local: "127.0.0.1:8080", Remote: "127.0.0.1:49153"}},
	} {
		got, err := parseSocket(tt.line)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%v, socket (-want +got):\n%s", err, diff)
		}
	}
	for _, bad := range []string{
		"", "0: too short", strings.Replace(v6, "0A", "FF", 1), strings.Replace(v6, ":1F90", ":", 1),
		strings.Replace(v6, "01000000", "0100", 1), strings.Replace(v6, " 77 ", " x ", 1),
	} {
		if s, err := parseSocket(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %+v, %v, want %v", bad, s, err, ErrFormat)
		}
	}
}

func TestParseStat(t *testing.T) {
	got, flags, err := parseStat("12 (kworker/0:1+we (ird) name) D 2 0 0 0 -1 2129984 0 0\n")
	if diff := cmp.Diff(wire.Thread{PID: 12, Comm: "kworker/0:1+we (ird) name", State: "D"}, got); err != nil || diff != "" {
		t.Errorf("%v, thread (-want +got):\n%s", err, diff)
	}
	if flags&pfKthread == 0 {
		t.Errorf("flags %#x are not those of a kernel thread", flags)
	}
	for _, bad := range []string{"", "12 name S 2 0 0 0 -1 1", "x (a) S 2 0 0 0 -1 1", "12 (a) S 2", "12 (a) S 2 0 0 0 -1 x"} {
		if _, _, err := parseStat(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, want %v", bad, err, ErrFormat)
		}
	}
}

// tree makes files below a directory of the test's; a name that ends in a slash is a directory.
func makeTree(t testing.TB, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, n := range names {
		path := filepath.Join(root, n)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(n, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestTreeList(t *testing.T) {
	root := makeTree(t, "webserver/net/data/status", "mm/large/tree", "12/stat", "fscaps", "nested/mm/x")
	if err := os.Symlink(root, filepath.Join(root, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		tree tree
		want []string
	}{
		{"all but what is large", tree{root: "/k", depth: anyDepth, skip: []string{"mm"}}, []string{
			"/k/12", "/k/12/stat", "/k/fscaps", "/k/loop", "/k/mm", "/k/nested", "/k/nested/mm", "/k/nested/mm/x",
			"/k/webserver", "/k/webserver/net", "/k/webserver/net/data", "/k/webserver/net/data/status",
		}},
		{"two levels, no processes", tree{root: "/k", depth: 2, skipNumbers: true}, []string{
			"/k/fscaps", "/k/loop", "/k/mm", "/k/mm/large", "/k/nested", "/k/nested/mm", "/k/webserver", "/k/webserver/net",
		}},
		{"one level", tree{root: "/k", depth: 1}, []string{"/k/12", "/k/fscaps", "/k/loop", "/k/mm", "/k/nested", "/k/webserver"}},
	} {
		got, err := tt.tree.list(root)
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	for _, gone := range []string{"absent", "fscaps"} {
		if got, err := (tree{root: "/k", depth: 1}).list(filepath.Join(root, gone)); len(got) != 0 || err != nil {
			t.Errorf("entries of what is no directory any more: %v, %v", got, err)
		}
	}
	circle := filepath.Join(root, "circle")
	if err := os.Symlink(circle, circle); err != nil {
		t.Fatal(err)
	}
	if got, err := listAll([]tree{{root: "/k", depth: 1}}, func(string) string { return circle }); err == nil {
		t.Errorf("a directory that cannot be read has the entries %v, want an error", got)
	}
}

func TestKernelThreads(t *testing.T) {
	proc := makeTree(t, "version", "3/", "self/")
	for pid, stat := range map[string]string{
		"1": "1 (init) S 0 0 0 0 -1 4194560 0", "2": "2 (kthreadd) S 0 0 0 0 -1 2129984 0",
		"40": "40 (kweb) S 2 0 0 0 -1 2129984 0", "9": "9 (ksoftirqd/0) S 2 0 0 0 -1 2129984 0",
		"50": "50 (kworker/0:1) I 2 0 0 0 -1 69238880 0",
	} {
		dir := filepath.Join(proc, pid)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{
			"stat": stat, "stack": "[<0>] kthread+0x1/0x2", "status": changed,
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	kthreadd := wire.Thread{PID: 2, Comm: "kthreadd", State: "S"}
	ksoftirqd := wire.Thread{PID: 9, Comm: "ksoftirqd/0", State: "S"}
	kweb := wire.Thread{PID: 40, Comm: "kweb", State: "S"}
	worker := wire.Thread{PID: 50, Comm: "kworker/0:1", State: "I", Heeds: "0x100", Blocks: "0x4000"}
	got, err := kernelThreads(proc)
	if diff := cmp.Diff([]wire.Thread{kthreadd, ksoftirqd, kweb, worker}, got); err != nil || diff != "" {
		t.Errorf("%v, threads (-want +got):\n%s", err, diff)
	}

	// What is known is as it was; one that has ended, PID 7, is gone; a worker may have changed all the same.
	known := map[int]wire.Thread{2: kthreadd, 7: {PID: 7, Comm: "rcu_gp"}, 9: ksoftirqd, 50: {PID: 50, Comm: "kworker/0:1", State: "I"}}
	for _, pid := range []string{"2", "9", "50"} {
		if err := os.Remove(filepath.Join(proc, pid, "stat")); err != nil {
			t.Fatal(err)
		}
	}
	kweb.Stack = "[<0>] kthread+0x1/0x2"
	got, err = strangers(proc, known)
	if diff := cmp.Diff([]wire.Thread{kthreadd, ksoftirqd, kweb, worker}, got); err != nil || diff != "" {
		t.Errorf("%v, threads where most are known (-want +got):\n%s", err, diff)
	}
}

// guest is a guest with one namespace beside the initial one, which is this machine.
type guest struct{ entered []string }

func (g *guest) Do(netns string, f func() error) error {
	g.entered = append(g.entered, netns)
	return f()
}
func (*guest) Names() []string           { return []string{"red"} }
func (*guest) Live() (int, error)        { return 1, nil }
func (*guest) Destroying() (bool, error) { return true, nil }

// TestTake takes two snapshots of the machine that the tests run on.
func TestTake(t *testing.T) {
	g := &guest{}
	sysfs := makeTree(t, "kernel/webserver/", "kernel/debug/slab/") // that of this machine need not be readable
	s, err := New(g, func(_, path string) string {
		if below, ok := strings.CutPrefix(path, "/sys/"); ok {
			return filepath.Join(sysfs, below)
		}
		return path
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Take(wire.None{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", "red"}, g.entered); diff != "" {
		t.Errorf("namespaces that were entered (-want +got):\n%s", diff)
	}
	if got.Netns != 1 || !got.Destroying {
		t.Errorf("%d live namespaces, being destroyed: %t, want 1 and true", got.Netns, got.Destroying)
	}
	for _, want := range []string{
		"/proc/net", "/proc/net/tcp", "red:/proc/net/tcp", "/proc/sys/net/core/somaxconn", "/sys/kernel/webserver", "red:/sys/kernel/webserver",
	} {
		if !slices.Contains(append(got.Proc, got.Sysfs...), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestSockets(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	g := &guest{}
	s, err := New(g, func(_, path string) string { return path })
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Sockets(wire.SocketsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"red"}, g.entered); diff != "" {
		t.Errorf("namespaces that were entered (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(got.Sockets, func(s wire.Socket) bool { return s.Local == listener.Addr().String() && s.State == "LISTEN" })
	if i < 0 || got.Sockets[i].Netns != "red" || !got.Sockets[i].Agent {
		t.Errorf("the listener at %v is not among the agent's sockets in red: %+v", listener.Addr(), got.Sockets)
	}
	g.entered = nil
	if _, err := s.Sockets(wire.SocketsRequest{Initial: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"red", ""}, g.entered); diff != "" {
		t.Errorf("namespaces that were entered with the initial one (-want +got):\n%s", diff)
	}
}

// What /proc/PID/status says of a kernel worker's signals.
const (
	asItShould = "Name:\tkworker/0:1\nThreads:\t1\nSigBlk:\t0000000000000000\nSigIgn:\tffffffffffffffff\nSigCgt:\t0\n"
	changed    = "Name:\tkworker/0:1\nThreads:\t1\nSigBlk:\t0000000000004000\nSigIgn:\tfffffffffffffeff\nSigCgt:\t0\n"
	ending     = "Name:\tkworker/0:1\nThreads:\t0\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0\n"
)

func TestReadSignals(t *testing.T) {
	for _, tt := range []struct {
		status        string
		alive         bool
		heeds, blocks string
	}{
		{asItShould, true, "", ""},
		{changed, true, "0x100", "0x4000"},
		{ending, false, "", ""},
	} {
		var got wire.Thread
		alive, err := readSignals(&got, tt.status)
		if err != nil || alive != tt.alive || got.Heeds != tt.heeds || got.Blocks != tt.blocks {
			t.Errorf("%q: alive %v, %+v, %v", tt.status, alive, got, err)
		}
	}
	for _, name := range []string{"Threads", "SigBlk", "SigIgn"} {
		for _, bad := range []string{strings.Replace(changed, name, "Sig", 1), strings.Replace(changed, name+":\t", name+":\tx", 1)} {
			if _, err := readSignals(new(wire.Thread), bad); !errors.Is(err, ErrFormat) {
				t.Errorf("%q: %v, want %v", bad, err, ErrFormat)
			}
		}
	}
}
