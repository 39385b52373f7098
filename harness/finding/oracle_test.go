package finding

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ktcp/guest/wire"
)

// summary is what a test of an oracle compares.
type summary struct {
	Kind   Kind
	Class  string
	Module string
	Title  string
	Where  string
	Count  int
}

func summaries(findings []Finding) []summary {
	var all []summary
	for _, f := range findings {
		all = append(all, summary{f.Kind, f.Class, f.Module, f.Title, f.Location.String(), f.Count})
	}
	return all
}

func stackOf(names ...string) []wire.StackFrame {
	var stack []wire.StackFrame
	for _, n := range names {
		fn, module, _ := strings.Cut(n, "@")
		stack = append(stack, wire.StackFrame{Func: fn, Offset: 0x10, Size: 0x40, Module: module})
	}
	return stack
}

func TestLeaks(t *testing.T) {
	own := stackOf("kmem_cache_alloc", "ktcp_conn_alloc@kweb", "process_one_work")
	tests := []struct {
		name  string
		sites []wire.Site
		want  []summary
	}{
		{"nothing", nil, nil},
		{
			"one object",
			[]wire.Site{{Cache: "kmalloc-64", Count: 1, Size: 64, Stack: own, AgeMin: time.Second, AgeMax: time.Second}},
			[]summary{{Leak, "kmalloc-64", "kweb", "1 object, 64 bytes of kmalloc-64 never freed", "ktcp_conn_alloc", 1}},
		},
		{
			"one site seen from two processors",
			[]wire.Site{
				{Cache: "ktcp_conn", Count: 2, Size: 256, Stack: own, AgeMin: time.Second, AgeMax: 2 * time.Second},
				{Cache: "ktcp_conn", Count: 1, Size: 256, Stack: own, AgeMin: 3 * time.Second, AgeMax: 3 * time.Second},
			},
			[]summary{{Leak, "ktcp_conn", "kweb", "3 objects, 768 bytes of ktcp_conn never freed", "ktcp_conn_alloc", 1}},
		},
		{
			"two callers of one function",
			[]wire.Site{
				{Cache: "kmalloc-64", Count: 1, Size: 64, Stack: stackOf("__kmalloc", "dup@kweb", "open_one@kweb")},
				{Cache: "kmalloc-64", Count: 1, Size: 64, Stack: stackOf("__kmalloc", "dup@kweb", "open_two@kweb")},
			},
			[]summary{
				{Leak, "kmalloc-64", "kweb", "1 object, 64 bytes of kmalloc-64 never freed", "dup", 1},
				{Leak, "kmalloc-64", "kweb", "1 object, 64 bytes of kmalloc-64 never freed", "dup", 1},
			},
		},
		{
			"bare addresses",
			[]wire.Site{{Cache: "kmalloc-64", Count: 1, Size: 64, Stack: []wire.StackFrame{{Addr: 0xffffffffc0100010}}}},
			[]summary{{Leak, "kmalloc-64", "kweb", "1 object, 64 bytes of kmalloc-64 never freed", "", 1}},
		},
		{"TIME_WAIT", []wire.Site{{Cache: "tw_sock_TCP", Count: 9, Size: 256, Stack: own, Protocol: true}}, nil},
		{"cached routes", []wire.Site{{Cache: "ip_dst_cache", Count: 9, Size: 192, Stack: own}}, nil},
		{"table of pernet data", []wire.Site{{Cache: "kmalloc-256", Count: 1, Size: 256, Stack: stackOf("net_alloc_generic", "register_pernet_subsys", "kweb_init@kweb")}}, nil},
		{
			"a module's function of a tolerated name",
			[]wire.Site{{Cache: "kmalloc-64", Count: 1, Size: 64, Stack: stackOf("__kmalloc", "create_worker@kweb")}},
			[]summary{{Leak, "kmalloc-64", "kweb", "1 object, 64 bytes of kmalloc-64 never freed", "create_worker", 1}},
		},
		{
			"a cache whose name begins like a tolerated one",
			[]wire.Site{{Cache: "ip_dst_cache_of_kweb", Count: 1, Size: 8, Stack: own}},
			[]summary{{Leak, "ip_dst_cache_of_kweb", "kweb", "1 object, 8 bytes of ip_dst_cache_of_kweb never freed", "ktcp_conn_alloc", 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Leaks("kweb", wire.LedgerAnswer{Caches: 100, Sites: tt.sites})
			if diff := cmp.Diff(tt.want, summaries(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, f := range got {
				if f.Oracle != OracleLedger || f.Objects == 0 || f.Bytes == 0 || len(f.Excerpt) == 0 || len(f.Stack) == 0 {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if n := len(Dedupe(got)); n != len(tt.want) {
				t.Errorf("%d remain after folding, want %d", n, len(tt.want))
			}
		})
	}
}

func TestLeaksWithoutALedger(t *testing.T) {
	got := Leaks("kweb", wire.LedgerAnswer{})
	if len(got) != 1 || got[0].Kind != OracleBlind || !got[0].Infrastructure() {
		t.Errorf("a kernel without allocation traces: %+v", got)
	}
}

func TestSurvivors(t *testing.T) {
	before := wire.SurvivorsAnswer{
		Threads: []wire.Thread{{PID: 2, Comm: "kthreadd"}, {PID: 9, Comm: "kworker/0:1-events"}, {PID: 30, Comm: "kswapd0"}},
		Sockets: []wire.Socket{{State: "LISTEN", Local: "127.0.0.1:22", Inode: 5}},
		Sysfs:   []string{"/sys/kernel", "/sys/kernel/mm/", "/sys/module/veth"},
		Proc:    []string{"/proc/net", "/proc/net/tcp"},
	}
	tests := []struct {
		name  string
		after func(a *wire.SurvivorsAnswer)
		want  []summary
	}{
		{"nothing", func(*wire.SurvivorsAnswer) {}, nil},
		{
			"a kernel thread",
			func(a *wire.SurvivorsAnswer) {
				a.Threads = append(a.Threads, wire.Thread{PID: 77, Comm: "kweb_accept", State: "S", Stack: "[<0>] inet_csk_accept+0x10/0x20\n[<0>] kweb_thread+0x12/0x80 [kweb]\n"})
			},
			[]summary{{Survivor, "thread", "kweb", "kernel thread kweb_accept still lives", "kweb_thread", 1}},
		},
		{
			"kernel workers come and go",
			func(a *wire.SurvivorsAnswer) {
				a.Threads = append(a.Threads[:1:1], wire.Thread{PID: 9, Comm: "kworker/0:1-mm_percpu_wq"},
					wire.Thread{PID: 70, Comm: "kworker/u4:2"}, wire.Thread{PID: 71, Comm: "kworker/1:0H-kblockd"},
					wire.Thread{PID: 72, Comm: "kworker/u5:0-events_unbound"})
			},
			nil,
		},
		{
			"rescuers do not, on old kernels and new",
			func(a *wire.SurvivorsAnswer) {
				a.Threads = append(a.Threads, wire.Thread{PID: 70, Comm: "kweb_wq", State: "I"}, wire.Thread{PID: 71, Comm: "kworker/R-kweb_wq", State: "I"})
			},
			[]summary{
				{Survivor, "thread", "kweb", "kernel thread kweb_wq still lives", "", 1},
				{Survivor, "thread", "kweb", "kernel thread kworker/R-kweb_wq still lives", "", 1},
			},
		},
		{
			"a PID that was given to another thread",
			func(a *wire.SurvivorsAnswer) { a.Threads = append(a.Threads[:2:2], wire.Thread{PID: 30, Comm: "kweb"}) },
			[]summary{{Survivor, "thread", "kweb", "kernel thread kweb still lives", "", 1}},
		},
		{
			"a listener and its connections",
			func(a *wire.SurvivorsAnswer) {
				a.Sockets = append(a.Sockets, wire.Socket{Netns: "red", State: "LISTEN", Local: "0.0.0.0:9999", Remote: "0.0.0.0:0", Inode: 40},
					wire.Socket{Netns: "red", State: "CLOSE_WAIT", Local: "127.0.0.1:9999", Remote: "127.0.0.1:40000", Inode: 41},
					wire.Socket{Netns: "red", State: "CLOSE_WAIT", Local: "127.0.0.1:9999", Remote: "127.0.0.1:40001", Inode: 42})
			},
			[]summary{
				{Survivor, "socket", "kweb", "TCP socket 0.0.0.0:9999 in state LISTEN left in namespace red", "", 1},
				{Survivor, "socket", "kweb", "TCP socket 127.0.0.1:9999 in state CLOSE_WAIT left in namespace red", "", 2},
			},
		},
		{
			"what TCP ends by itself, and the agent's own",
			func(a *wire.SurvivorsAnswer) {
				a.Sockets = append(a.Sockets, wire.Socket{State: "TIME_WAIT", Local: "127.0.0.1:9999"}, wire.Socket{State: "FIN_WAIT2", Local: "127.0.0.1:9999"},
					wire.Socket{State: "LAST_ACK", Local: "127.0.0.1:9999"}, wire.Socket{State: "SYN_RECV", Local: "127.0.0.1:9999"},
					wire.Socket{State: "ESTABLISHED", Local: "127.0.0.1:40000", Inode: 50, Agent: true})
			},
			nil,
		},
		{
			"a socket that was shut down and never released",
			func(a *wire.SurvivorsAnswer) {
				a.Sockets = append(a.Sockets, wire.Socket{State: "FIN_WAIT2", Local: "127.0.0.1:9999", Inode: 60})
			},
			[]summary{{Survivor, "socket", "kweb", "TCP socket 127.0.0.1:9999 in state FIN_WAIT2 left in the initial namespace", "", 1}},
		},
		{
			"an orphan in a state that nobody ends",
			func(a *wire.SurvivorsAnswer) {
				a.Sockets = append(a.Sockets, wire.Socket{State: "ESTABLISHED", Local: "127.0.0.1:9999"})
			},
			[]summary{{Survivor, "socket", "kweb", "TCP socket 127.0.0.1:9999 in state ESTABLISHED left in the initial namespace", "", 1}},
		},
		{
			"a sysfs tree, in two namespaces",
			func(a *wire.SurvivorsAnswer) {
				a.Sysfs = append(a.Sysfs, "/sys/kernel/webserver/", "/sys/kernel/webserver/net/", "/sys/kernel/webserver/net/data/", "/sys/kernel/webserver/net/data/status",
					"red:/sys/kernel", "red:/sys/kernel/mm", "red:/sys/kernel/webserver", "red:/sys/kernel/webserver/net")
			},
			[]summary{
				{Survivor, "sysfs", "kweb", "sysfs entry /sys/kernel/webserver was left behind", "", 1},
				{Survivor, "sysfs", "kweb", "sysfs entry red:/sys/kernel/webserver was left behind", "", 1},
			},
		},
		{
			"the module itself, and one that the kernel loaded",
			func(a *wire.SurvivorsAnswer) {
				a.Sysfs = append(a.Sysfs, "/sys/module/kweb", "/sys/module/kweb/sections", "/sys/module/dummy", "/sys/module/kweb2/refcnt")
			},
			[]summary{{Survivor, "sysfs", "kweb", "sysfs entry /sys/module/kweb was left behind", "", 1}},
		},
		{
			"interfaces and mounts of the scenario",
			func(a *wire.SurvivorsAnswer) {
				a.Sysfs = append(a.Sysfs, "/sys/class/net/veth0", "/sys/devices/virtual/net/veth0", "red:/sys/class/net/veth1", "/sys/devices/virtual/bdi/0:45", "/sys/class/bdi/0:45")
			},
			nil,
		},
		{
			"a proc entry",
			func(a *wire.SurvivorsAnswer) { a.Proc = append(a.Proc, "/proc/net/drop_tcp_sock") },
			[]summary{{Survivor, "proc", "kweb", "proc entry /proc/net/drop_tcp_sock was left behind", "", 1}},
		},
		{
			"namespaces that cannot die",
			func(a *wire.SurvivorsAnswer) { a.Netns = 2 },
			[]summary{{Survivor, "netns", "kweb", "2 network namespaces cannot die: something holds a reference", "", 1}},
		},
		{"a number of namespaces that is not known", func(a *wire.SurvivorsAnswer) { a.Netns = -1 }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after := before
			tt.after(&after)
			got := Survivors("kweb", before, after)
			if diff := cmp.Diff(tt.want, summaries(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, f := range got {
				if f.Oracle != OracleSurvivors || f.Fingerprint == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
		})
	}
}

func TestSurvivorsOfAnEmptySnapshot(t *testing.T) {
	full := wire.SurvivorsAnswer{Threads: []wire.Thread{{PID: 2, Comm: "kthreadd"}}}
	for _, got := range [][]Finding{Survivors("kweb", full, wire.SurvivorsAnswer{}), Survivors("kweb", wire.SurvivorsAnswer{}, full)} {
		if len(got) != 1 || got[0].Kind != OracleBlind {
			t.Errorf("a snapshot that shows no thread at all: %+v", got)
		}
	}
}

func TestRmmod(t *testing.T) {
	stack := "[<0>] __flush_workqueue+0x14e/0x450\n[<0>] kweb_exit+0x1f/0x60 [kweb]\n[<0>] __do_sys_delete_module+0x1b9/0x330\n"
	tests := []struct {
		name   string
		answer wire.RmmodAnswer
		want   []summary
	}{
		{"done", wire.RmmodAnswer{Done: true, Elapsed: time.Hour}, nil},
		{
			"in use", wire.RmmodAnswer{Errno: int(syscall.EWOULDBLOCK), Refcount: 3},
			[]summary{{NotUnloaded, "refused", "kweb", "rmmod was refused: resource temporarily unavailable, refcount 3", "", 1}},
		},
		{
			"held by other modules", wire.RmmodAnswer{Errno: int(syscall.EWOULDBLOCK), Refcount: 2, Holders: []string{"a", "b"}},
			[]summary{{NotUnloaded, "refused", "kweb", "rmmod was refused: resource temporarily unavailable, refcount 2, held by a and b", "", 1}},
		},
		{
			"exit that waits", wire.RmmodAnswer{Elapsed: 10 * time.Second, Stack: stack},
			[]summary{{NotUnloaded, "stuck", "kweb", "rmmod did not return within 10s, it waits in __flush_workqueue", "kweb_exit", 1}},
		},
		{
			"exit that says nothing", wire.RmmodAnswer{},
			[]summary{{NotUnloaded, "stuck", "kweb", "rmmod did not return within 10s", "", 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Rmmod("kweb", tt.answer, 10*time.Second)
			if diff := cmp.Diff(tt.want, summaries(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestReinserted(t *testing.T) {
	f := Reinserted("kweb", "port=80", errors.New("address already in use"))
	if f.Kind != NotReloaded || f.Module != "kweb" || f.Title != "insmod kweb port=80 after rmmod: address already in use" {
		t.Errorf("%+v", f)
	}
}

func TestTaints(t *testing.T) {
	const own = 1<<12 | 1<<13
	tests := []struct {
		name      string
		baseline  uint64
		value     uint64
		explained []Finding
		want      []string // classes
	}{
		{"none", 0, 0, nil, nil},
		{"out of tree and unsigned", 0, own, nil, nil},
		{"warned", 0, own | 1<<9, nil, []string{"W"}},
		{"warned, and the warning was seen", 0, own | 1<<9, []Finding{{Kind: Warning}}, nil},
		{"warned, and something else was seen", 0, own | 1<<9, []Finding{{Kind: Leak}}, []string{"W"}},
		{"died and warned, only the oops was seen", 0, own | 1<<9 | 1<<7, []Finding{{Kind: Oops}}, []string{"W"}},
		{"proprietary and forced", 0, 3, nil, []string{"P", "F"}},
		{"before the module came", 1 << 11, own | 1<<11, nil, nil},
		{"a flag of a later kernel", 0, 1 << 40, nil, []string{"?"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range Taints(tt.baseline, tt.value, tt.explained) {
				got = append(got, f.Class)
				if f.Kind != Taint || f.Title == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Everything that is passed over says why.
func TestTolerancesHaveReasons(t *testing.T) {
	caches, functions := ToleratedAllocations()
	threads, paths := ToleratedSurvivors()
	for _, table := range [][]Tolerated{caches, functions, threads, paths} {
		if len(table) == 0 {
			t.Error("an empty table")
		}
		for _, e := range table {
			if e.Reason == "" || !strings.HasPrefix(e.Pattern.String(), "^") {
				t.Errorf("%v: reason %q; patterns are anchored", e.Pattern, e.Reason)
			}
		}
	}
	for _, b := range Boring() {
		if b.Reason == "" {
			t.Errorf("%v has no reason", b.Pattern)
		}
	}
	for _, s := range shapes {
		if (s.kind == "") != (s.why != "") {
			t.Errorf("%v: kind %q, harmless because %q", s.head, s.kind, s.why)
		}
	}
}

func TestBlind(t *testing.T) {
	f := Blind(OracleLog, errors.New("/dev/kmsg: permission denied"))
	if f.Kind != OracleBlind || !f.Infrastructure() || f.Title != "the kernel-log oracle could not run: /dev/kmsg: permission denied" {
		t.Errorf("%+v", f)
	}
	if New(Leak, OracleLedger, "kweb", "x").Infrastructure() {
		t.Error("a leak is taken for a fault of the harness")
	}
}

func TestNewKeepsOneLineAsTitle(t *testing.T) {
	f := New(WireFault, OracleWire, "kweb", "answer is not HTTP:\nGET\n", "more")
	if f.Title != "answer is not HTTP:" {
		t.Errorf("title %q", f.Title)
	}
	if diff := cmp.Diff([]string{"answer is not HTTP:", "GET", "more"}, f.Excerpt); diff != "" {
		t.Errorf("excerpt (-want +got):\n%s", diff)
	}
	if g := Wire("kweb", "%d bytes, want %d", 3, 4); g.Title != "3 bytes, want 4" || g.Kind != WireFault || g.Oracle != OracleWire {
		t.Errorf("%+v", g)
	}
}
