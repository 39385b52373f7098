package finding

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestHarmlessLines(t *testing.T) {
	for _, text := range []string{
		"broken: loading out-of-tree module taints kernel.",
		"broken: module verification failed: signature and/or required key missing - tainting kernel",
		"TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:9999. Sending cookies.",
		"INFO: lockdep is turned off.",
		"INFO: NMI handler (perf_event_nmi_handler) took too long to run: 2.100 msecs",
		"perf: interrupt took too long (2503 > 2500), lowering kernel.perf_event_max_sample_rate to 79750",
		"hrtimer: interrupt took 5107142 ns",
		"workqueue: kweb_accept_work [kweb] hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
		"clocksource: timekeeping watchdog on CPU0: Marking clocksource 'tsc' as unstable because the skew is too large:",
		"Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2 BHB attacks!",
		"[Firmware Bug]: TSC doesn't count with P0 frequency!",
		"kweb: unknown parameter 'prot' ignored",
		"nginx[812]: segfault at 0 ip 0000000000401136 sp 00007ffd1c2b8f70 error 6 in nginx[401000+1000]",
		"traps: curl[77] general protection fault ip:7f2a sp:7ffd error:0 in libc.so.6[7f2a+155000]",
		"kweb: 3 connections, WARNING level 2",
		"kweb: BUG tracker is elsewhere",
		"",
	} {
		if found := Parse([]Line{{Time: time.Second, Text: text}}); len(found) > 0 {
			t.Errorf("%q yields %v", text, titles(found))
		}
	}
}

// A harmless report takes its stack dump with it.
func TestHarmlessReport(t *testing.T) {
	log := `[    0.100000] unchecked MSR access error: RDMSR from 0x852 at rIP: 0xffffffff8106a2c4 (native_read_msr+0x4/0x20)
[    0.100001] Call Trace:
[    0.100002]  <TASK>
[    0.100003]  intel_epb_restore+0x22/0x90
[    0.100004]  </TASK>
[    0.200000] BUG: something else entirely
`
	got := ParseConsole(log)
	if len(got) != 1 || got[0].Title != "BUG: something else entirely" || got[0].Kind != Bug {
		t.Errorf("%v", titles(got))
	}
}

// What looks like a report and is none that is known is a finding all the same.
func TestUnknownReports(t *testing.T) {
	dump := "CPU: 0 PID: 7 Comm: x Tainted: G\nCall Trace:\n <TASK>\n f+0x1/0x2\n kweb_f+0x1/0x2 [kweb]\n </TASK>"
	tests := []struct {
		name, log string
		kind      Kind
		title     string
	}{
		{"stack dump", "frobnicator: tangled\n" + dump, Splat, "frobnicator: tangled"},
		{"stack dump after nothing", dump, Splat, "CPU: 0 PID: 7 Comm: x Tainted: G"},
		{"trace alone", "Call Trace:\n kweb_f+0x1/0x2 [kweb]", Splat, "Call Trace:"},
		{"instruction pointer alone", "RIP: 0010:kweb_f+0x1/0x2 [kweb]", Splat, "RIP: 0010:kweb_f+0x1/0x2 [kweb]"},
		{"cut here alone", "------------[ cut here ]------------", Splat, "------------[ cut here ]------------"},
		{"new BUG", "BUG: frobnicator is tangled\n" + dump, Bug, "BUG: frobnicator is tangled"},
		{"new WARNING", "WARNING: frobnicator is tangled\n" + dump, Warning, "WARNING: frobnicator is tangled"},
		{"new INFO", "INFO: possible frobnicator tangle", Splat, "INFO: possible frobnicator tangle"},
		{"new lockdep report", "[ BUG: Frobnicated lock ]\nstack backtrace:\n" + dump, Lockdep, "[ BUG: Frobnicated lock ]"},
		{"new slab report", "BUG kmalloc-64 (Not tainted): Frobnicated", SlabCorruption, "BUG kmalloc-64: Frobnicated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ParseConsole(tt.log)
			if len(got) != 1 || got[0].Kind != tt.kind || got[0].Title != tt.title {
				t.Fatalf("got %v, want %s: %s", titles(got), tt.kind, tt.title)
			}
			if strings.Contains(tt.log, "[kweb]") && got[0].Module != "kweb" {
				t.Errorf("blamed on %q", got[0].Module)
			}
		})
	}
}

// KASAN explains a fault in a line whose words differ from kernel to kernel. In any words, the fault is found.
func TestKASANExplainsAFault(t *testing.T) {
	log := readLog(t, "kasan-gpf")
	for said, want := range map[string]summary{
		"maybe wild-memory-access":    {Kind: KASAN, Class: "maybe wild-memory-access"},
		"probably wild-memory-access": {Kind: KASAN, Class: "probably wild-memory-access"}, // 6.12
		"probably user-memory-access": {Kind: KASAN, Class: "probably user-memory-access"},
		"null-ptr-deref":              {Kind: KASAN, Class: "null-ptr-deref"},
		"a wild guess at the access":  {Kind: Oops, Class: "general-protection-fault"},
	} {
		got := ParseConsole(strings.Replace(log, "KASAN: maybe wild-memory-access in", "KASAN: "+said+" in", 1))
		if len(got) != 1 || got[0].Kind != want.Kind || got[0].Class != want.Class || got[0].Module != "broken" || len(got[0].Stack) == 0 {
			t.Errorf("%q: %v", said, titles(got))
		}
	}
}

// The panic that follows from a report is part of it; one that follows from nothing is a finding.
func TestPanics(t *testing.T) {
	oops := "[    1.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[    1.000100] Oops: 0002 [#1] SMP\n" +
		"[    1.000200] RIP: 0010:f+0x1/0x2 [kweb]\n[    1.000300] ---[ end trace 0000000000000000 ]---\n"
	tests := []struct {
		name, log string
		want      []Kind
	}{
		{"after an oops", oops + "[    1.000400] Kernel panic - not syncing: Fatal exception in interrupt\n", []Kind{Oops}},
		{"after an oops on another line", oops + "[    1.100000] kweb: bye\n[    1.200000] Kernel panic - not syncing: Fatal exception\n", []Kind{Oops}},
		{"long after an oops", oops + "[   90.000000] Kernel panic - not syncing: Fatal exception\n", []Kind{Oops, Panic}},
		{"by itself", "[    1.000000] Kernel panic - not syncing: kweb: nothing left to do\n", []Kind{Panic}},
		{"of its own reason after an oops", oops + "[    1.500000] kweb: bye\n[    2.000000] Kernel panic - not syncing: kweb: nothing left to do\n", []Kind{Oops, Panic}},
		{"of init", "[    1.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n", []Kind{Panic}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []Kind
			for _, f := range ParseConsole(tt.log) {
				got = append(got, f.Kind)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUnknownParameters(t *testing.T) {
	lines := []Line{{Text: "kweb: unknown parameter 'prot' ignored"}, {Text: "other: unknown parameter 'x' ignored"}, {Text: "kweb: started"}}
	if diff := cmp.Diff([]string{"prot"}, UnknownParameters(lines, "kweb")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestKmsgLines(t *testing.T) {
	got := KmsgLines([]wire.KmsgRecord{
		{Time: time.Second, Caller: "caller=T93", Text: "one"},
		{Time: 2 * time.Second, Caller: "C0", Text: "two\nthree"},
		{Time: 3 * time.Second, Text: `four\x0afive`},
	})
	want := []Line{
		{time.Second, "T93", "one"}, {2 * time.Second, "C0", "two"}, {2 * time.Second, "C0", "three"},
		{3 * time.Second, "", "four"}, {3 * time.Second, "", "five"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConsoleLines(t *testing.T) {
	tests := []struct {
		name, console string
		want          []Line
	}{
		{
			"time stamps",
			"SeaBIOS\r\n[    0.000000] Linux version 6.1\r\nlogin: [   12.345678] two\r\n",
			[]Line{{0, "", "Linux version 6.1"}, {12345678 * time.Microsecond, "", "two"}},
		},
		{
			"callers and levels",
			"<4>[    1.000000][  T123] one\n<6>[    1.000001][    C0]  two\n",
			[]Line{{time.Second, "T123", "one"}, {time.Second + time.Microsecond, "C0", " two"}},
		},
		{
			"no time stamps",
			"<4>one\n two\n",
			[]Line{{0, "", "one"}, {0, "", " two"}, {0, "", ""}},
		},
		{"a time that is none", "[99999999999.000000] one\n", []Line{{0, "", "one"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ConsoleLines(tt.console)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseFrame(t *testing.T) {
	tests := []struct {
		text string
		want Frame
		ok   bool
	}{
		{" kweb_f+0x15/0x60 [kweb]", Frame{Func: "kweb_f", Offset: 0x15, Size: 0x60, Module: "kweb"}, true},
		{" ? kweb_f.isra.0+0x15/0x60 [kweb]", Frame{Func: "kweb_f.isra.0", Offset: 0x15, Size: 0x60, Module: "kweb", Unreliable: true}, true},
		{" kthread+0xda/0x100", Frame{Func: "kthread", Offset: 0xda, Size: 0x100}, true},
		{" kweb_f+0x15/0x60 [kweb 0123456789abcdef0123456789abcdef01234567]", Frame{Func: "kweb_f", Offset: 0x15, Size: 0x60, Module: "kweb"}, true},
		{"[<0>] kweb_exit+0x1f/0x60 [kweb]", Frame{Func: "kweb_exit", Offset: 0x1f, Size: 0x60, Module: "kweb"}, true},
		{"    [<(____ptrval____)>] kweb_f+0x1/0x2 [kweb]", Frame{Func: "kweb_f", Offset: 1, Size: 2, Module: "kweb"}, true},
		{" 0xffffffffc0371050", Frame{Addr: 0xffffffffc0371050}, true},
		{"    [<00000000d1ee2c5a>] 0xffffffffc0371050", Frame{Addr: 0xffffffffc0371050}, true},
		{" ? 0xffffffffc0371050", Frame{Addr: 0xffffffffc0371050, Unreliable: true}, true},
		{"kweb: at f+0x1/0x2", Frame{}, false},
		{"RAX: 0000000000000000 RBX: ffffffffc0582000", Frame{}, false},
		{"0x", Frame{}, false},
	}
	for _, tt := range tests {
		got, ok := parseFrame(tt.text)
		if ok != tt.ok || got != tt.want {
			t.Errorf("%q: %+v, %v; want %+v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
	for text, want := range map[string]Frame{
		"RIP: 0010:kweb_f+0x5/0x10 [kweb]":    {Func: "kweb_f", Offset: 5, Size: 0x10, Module: "kweb", IP: true},
		"RIP: 0010:0xffffffffc0371050":        {Addr: 0xffffffffc0371050, IP: true},
		"RIP: 0010:native_safe_halt+0xb/0x10": {Func: "native_safe_halt", Offset: 0xb, Size: 0x10, IP: true},
	} {
		if got, ok := parseRIP(text); !ok || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, ok, want)
		}
	}
	if f, ok := parseRIP("RIP: 0033:0x47fbe9"); ok {
		t.Errorf("user space's instruction pointer yields %+v", f)
	}
}
