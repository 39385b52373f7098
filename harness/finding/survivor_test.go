package finding

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ktcp/guest/wire"
)

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
			"workers whose signals were changed",
			func(a *wire.SurvivorsAnswer) {
				a.Threads = []wire.Thread{a.Threads[0], {PID: 9, Comm: "kworker/0:1-events", Heeds: "0x100", Blocks: "0x4000"},
					{PID: 70, Comm: "kworker/u4:2", Blocks: "0x1"}, a.Threads[2]}
			},
			[]summary{
				{Survivor, "signals", "kweb", "1 worker of the kernel left with signals allowed", "", 1},
				{Survivor, "signals", "kweb", "2 workers of the kernel left with signals blocked", "", 1},
			},
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
			"a sysctl of the network",
			func(a *wire.SurvivorsAnswer) {
				a.Proc = append(a.Proc, "/proc/sys/net/kweb", "/proc/sys/net/kweb/backlog", "/proc/sys/net/ipv4/kweb_backlog")
			},
			[]summary{
				{Survivor, "proc", "kweb", "proc entry /proc/sys/net/ipv4/kweb_backlog was left behind", "", 1},
				{Survivor, "proc", "kweb", "proc entry /proc/sys/net/kweb was left behind", "", 1},
			},
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

func TestTimerLeft(t *testing.T) {
	const fn = 0xffffffffc0403000
	got := TimerLeft("kweb", fn, 0xffff888001234500, 90*time.Second, false)
	if got.Oracle != OracleSurvivors || got.Kind != Survivor || got.Class != "timer" || len(got.Stack) != 1 || got.Stack[0].Addr != fn || !got.Stack[0].IP {
		t.Errorf("%+v", got)
	}
	if got := TimerLeft("kweb", fn, 0, 0, true); got.Class != "work" || got.Title != "delayed work is pending, and its function is gone" {
		t.Errorf("%+v", got)
	}
	if got := TimerLeft("kweb", 0, 0xffffffffc0405000, 0, false); got.Class != "timer" || len(got.Stack) != 0 {
		t.Errorf("%+v", got)
	}
}
