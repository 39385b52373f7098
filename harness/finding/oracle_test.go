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
		{"the last FIN", []wire.Site{{Cache: "kmalloc-1k", Count: 5, Size: 1024, Stack: stackOf("__alloc_skb", "tcp_send_fin", "io_shutdown@kweb")}}, nil},
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

func TestRmmod(t *testing.T) {
	stack := "[<0>] __flush_workqueue+0x14e/0x450\n[<0>] kweb_exit+0x1f/0x60 [kweb]\n[<0>] __do_sys_delete_module+0x1b9/0x330\n"
	talking := "[<0>] inet_recvmsg+0x52/0x130\n[<0>] talk+0xa1/0x120 [kweb]\n[<0>] kthread+0x1/0x2\n"
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
			"exit that waits for a thread", wire.RmmodAnswer{Elapsed: 10 * time.Second, Stack: stack, Inside: []wire.Thread{
				{PID: 40, Comm: "kweb_conn", Stack: talking}, {PID: 41, Comm: "kweb_conn", Stack: talking}, {PID: 2, Comm: "kthreadd", Stack: "[<0>] kthreadd+0x1/0x2\n"},
			}},
			[]summary{{NotUnloaded, "stuck", "kweb", "rmmod did not return within 10s, it waits in __flush_workqueue while kweb_conn and 1 more are in its code", "kweb_exit", 1}},
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
	for _, table := range [][]tolerance{toleratedCaches, toleratedFuncs, toleratedThreads, toleratedPaths} {
		if len(table) == 0 {
			t.Error("an empty table")
		}
		for _, e := range table {
			if e.Reason == "" || !strings.HasPrefix(e.Pattern.String(), "^") {
				t.Errorf("%v: reason %q; patterns are anchored", e.Pattern, e.Reason)
			}
		}
	}
	for _, b := range boring {
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
