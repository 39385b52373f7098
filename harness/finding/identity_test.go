package finding

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func frames(names ...string) []Frame {
	var stack []Frame
	for _, n := range names {
		fn, module, _ := strings.Cut(n, "@")
		stack = append(stack, Frame{Func: fn, Module: module, Offset: uint64(len(n)), Size: 0x40})
	}
	return stack
}

func TestFingerprint(t *testing.T) {
	base := Finding{Kind: KASAN, Class: "use-after-free", Oracle: OracleLog, Module: "kweb", Title: "BUG: KASAN: use-after-free in f+0x1/0x2",
		Stack: frames("dump_stack_lvl", "kasan_report", "kweb_read@kweb", "process_one_work", "worker_thread")}
	same := map[string]func(f *Finding){
		"offsets":             func(f *Finding) { f.Stack[2].Offset = 77 },
		"lines":               func(f *Finding) { f.Stack[2].Line = 77; f.Location = &Location{Line: 77} },
		"title":               func(f *Finding) { f.Title = "other" },
		"guesses":             func(f *Finding) { f.Stack = append([]Frame{{Func: "g", Unreliable: true}}, f.Stack...) },
		"inlining":            func(f *Finding) { f.Stack = append([]Frame{{Func: "g", Module: "kweb", Inlined: true}}, f.Stack...) },
		"how it was noticed":  func(f *Finding) { f.Stack = append(frames("dump_stack", "print_report"), f.Stack[2:]...) },
		"the compiler's copy": func(f *Finding) { f.Stack[2].Func = "kweb_read.isra.0.cold" },
		"who runs it":         func(f *Finding) { f.Task = "kworker/1:2/52"; f.Time = 7; f.Excerpt = []string{"x"} },
		"the worker's frames": func(f *Finding) { f.Stack = f.Stack[:3] },
		"scenario and guest":  func(f *Finding) { f.Scenario = "TestA"; f.Guest = "one"; f.Count = 9 },
	}
	other := map[string]func(f *Finding){
		"kind":            func(f *Finding) { f.Kind = Oops },
		"class":           func(f *Finding) { f.Class = "double-free" },
		"module":          func(f *Finding) { f.Module = "kecho" },
		"function":        func(f *Finding) { f.Stack[2].Func = "kweb_write" },
		"caller":          func(f *Finding) { f.Stack = append(f.Stack[:3:3], frames("kweb_caller@kweb")...) },
		"oracle":          func(f *Finding) { f.Oracle = OracleLedger },
		"generic by name": func(f *Finding) { f.Stack[0].Module = "kweb" },
	}
	clone := func() Finding { f := base; f.Stack = append([]Frame(nil), base.Stack...); return f }
	for name, change := range same {
		f := clone()
		change(&f)
		if Fingerprint(f) != Fingerprint(base) {
			t.Errorf("%s tells two sightings of one bug apart", name)
		}
	}
	for name, change := range other {
		f := clone()
		change(&f)
		if Fingerprint(f) == Fingerprint(base) {
			t.Errorf("%s does not tell two bugs apart", name)
		}
	}
}

// A function may allocate twice and forget both. A fault is one, wherever in the function it shows.
func TestFingerprintOfLeaksHasTheLine(t *testing.T) {
	at := func(f Finding, line int) Finding {
		f.Module, f.Class, f.Stack = "kweb", "kmalloc-64", frames("__kmalloc", "kweb_start@kweb", "vfs_write")
		f.Location = &Location{File: "kweb/main.c", Line: line, Func: "kweb_start"}
		return f
	}
	for _, tt := range []struct {
		f    Finding
		want int
	}{
		{Finding{Kind: Leak, Oracle: OracleLedger, Objects: 1, Bytes: 64}, 2},
		{Finding{Kind: Kmemleak, Oracle: OracleKmemleak}, 2},
		{Finding{Kind: KASAN, Oracle: OracleLog}, 1},
	} {
		got := Dedupe([]Finding{at(tt.f, 10), at(tt.f, 20), at(tt.f, 10)})
		if len(got) != tt.want || got[0].Location.Line != 10 || got[tt.want-1].Location.Line != 10*tt.want {
			t.Errorf("%s: %d findings, want %d: %+v", tt.f.Kind, len(got), tt.want, got)
		}
	}
}

func TestFingerprintWithoutAStack(t *testing.T) {
	one := New(SocketState, OracleLog, "", "IPv4: Attempt to release TCP socket in state 1 000000003d3b89c7")
	two := New(SocketState, OracleLog, "", "IPv4: Attempt to release TCP socket in state 1 00000000ffffffff")
	three := New(SocketState, OracleLog, "", "IPv4: Attempt to release alive inet socket 00000000ffffffff")
	if one.Fingerprint != two.Fingerprint {
		t.Error("a pointer tells two sightings apart")
	}
	if one.Fingerprint == three.Fingerprint {
		t.Error("two titles have one fingerprint")
	}
}

func TestDedupe(t *testing.T) {
	leak := Finding{Kind: Leak, Oracle: OracleLedger, Module: "kweb", Class: "kmalloc-64", Title: "one", Stack: frames("kweb_a@kweb")}
	located := leak
	located.Location = &Location{File: "kweb/main.c", Line: 3}
	located.Title = "two"
	other := leak
	other.Class = "kmalloc-128"
	twice := leak
	twice.Count = 2
	got := Dedupe([]Finding{leak, other, located, twice})
	if len(got) != 3 || got[0].Count != 3 || got[1].Count != 1 || got[2].Count != 1 {
		t.Errorf("%+v", got)
	}
	race := Finding{Kind: KCSAN, Oracle: OracleLog, Stack: leak.Stack}
	placed := race
	placed.Location = located.Location
	if got := Dedupe([]Finding{race, placed}); len(got) != 1 || got[0].Location == nil {
		t.Errorf("%+v", got)
	}
	if leak.Count != 0 {
		t.Error("Dedupe changes what it was given")
	}
	if again := Dedupe(got); !cmp.Equal(got, again) {
		t.Errorf("folding twice changes the result: %s", cmp.Diff(got, again))
	}
	leak.Objects, leak.Bytes = 2, 128
	if got := Dedupe([]Finding{leak, leak}); len(got) != 1 || got[0].Title != "4 objects, 256 bytes of kmalloc-64 never freed" || got[0].Objects != 4 {
		t.Errorf("leaks do not add up: %+v", got)
	}
	if Dedupe(nil) != nil {
		t.Error("something comes of nothing")
	}
}

func TestText(t *testing.T) {
	f := Finding{
		Kind: KASAN, Class: "use-after-free", Oracle: OracleLog, Module: "kweb", Count: 3,
		Title:    "BUG: KASAN: use-after-free in kweb_read+0x37/0x40 [kweb]",
		Location: &Location{File: "kweb/main.c", Line: 43, Func: "kweb_read"},
		Stack: []Frame{
			{Func: "dump_stack_lvl", Offset: 1, Size: 2},
			{Func: "guess", Offset: 1, Size: 2, Unreliable: true},
			{Func: "get", Module: "kweb", File: "kweb/get.h", Line: 7, Inlined: true},
			{Func: "kweb_read", Offset: 0x37, Size: 0x40, Module: "kweb", File: "kweb/main.c", Line: 43},
			{Func: "kthread", Offset: 1, Size: 2},
			{Addr: 0xffffffffc0371050},
		},
		Related: []Trace{
			{Title: "Freed by task 45:", Frames: []Frame{{Func: "kweb_free", Offset: 1, Size: 2, Module: "kweb"}}},
			{Title: "empty"},
		},
		Excerpt: []string{
			"==================================================================",
			"BUG: KASAN: use-after-free in kweb_read+0x37/0x40 [kweb]",
			"Read of size 4 at addr ff110000067b6d14 by task insmod/45",
			"CPU: 0 PID: 45 Comm: insmod Tainted: G           O       6.1.192-kasan #1",
			"Call Trace:", " <TASK>", " dump_stack_lvl+0x51/0x66", " </TASK>", "RAX: 0000000000000000 RBX: 0", "",
			"1", "2", "3", "4", "5", "6", "7",
		},
	}
	long := Finding{Kind: Leak, Title: "x", Stack: append(frames("a", "b", "c", "d"), frames("kweb_f@kweb", "e")...)}
	if got := Text(long); got != "leak  x\n      a+0x1/0x40\n      ...\n      d+0x1/0x40\n      kweb_f+0xb/0x40 [kweb]\n      e+0x1/0x40\n" {
		t.Errorf("a long way out of the module:\n%s", got)
	}
	want := `kasan  kweb  kweb/main.c:43 in kweb_read  BUG: KASAN: use-after-free in kweb_read+0x37/0x40 [kweb]  (3 times)
    Read of size 4 at addr ff110000067b6d14 by task insmod/45
    1
    2
    3
    4
    5
    ... 2 more lines
      get [kweb] kweb/get.h:7 (inlined)
      kweb_read+0x37/0x40 [kweb] kweb/main.c:43
      0xffffffffc0371050
    Freed by task 45:
      kweb_free+0x1/0x2 [kweb]
`
	if diff := cmp.Diff(want, Text(f)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	short := Finding{Kind: Leak, Title: "1 object never freed", Count: 1}
	if got := Text(short); got != "leak  1 object never freed\n" {
		t.Errorf("%q", got)
	}
}

func TestLocationString(t *testing.T) {
	for want, l := range map[string]*Location{
		"":                        nil,
		"kweb_f":                  {Func: "kweb_f"},
		"kweb/main.c":             {File: "kweb/main.c"},
		"kweb/main.c:3":           {File: "kweb/main.c", Line: 3},
		"kweb/main.c:3 in kweb_f": {File: "kweb/main.c", Line: 3, Func: "kweb_f"},
	} {
		if got := l.String(); got != want {
			t.Errorf("%+v: %q, want %q", l, got, want)
		}
	}
}

// Other programs read findings.json: its names are fixed, and addresses keep their 64 bits.
func TestJSONNames(t *testing.T) {
	f := Finding{
		Kind: Leak, Class: "c", Oracle: OracleLedger, Module: "m", Title: "t", Location: &Location{"f.c", 1, "f"},
		Stack:   []Frame{{Func: "f", Offset: 1, Size: 2, Module: "m", Addr: 0xffffffffc0371050, File: "f.c", Line: 1, IP: true, Inlined: true, Unreliable: true}},
		Related: []Trace{{"x", []Frame{{}}}}, Address: 0xffffffffffffffff, Task: "x/1", Time: 1, Objects: 1, Bytes: 2,
		Excerpt: []string{"e"}, Scenario: "s", Guest: "g", Count: 1, Fingerprint: "0123456789ab",
	}
	want := `{"kind":"leak","class":"c","oracle":"ledger","module":"m","title":"t","location":{"file":"f.c","line":1,"func":"f"},` +
		`"stack":[{"func":"f","offset":1,"size":2,"module":"m","addr":"0xffffffffc0371050","file":"f.c","line":1,"ip":true,"inlined":true,"unreliable":true}],` +
		`"related":[{"title":"x","frames":[{}]}],"address":"0xffffffffffffffff","task":"x/1","time_ns":1,"objects":1,"bytes":2,"excerpt":["e"],` +
		`"scenario":"s","guest":"g","count":1,"fingerprint":"0123456789ab"}`
	got, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var back Finding
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, back); diff != "" {
		t.Errorf("there and back:\n%s", diff)
	}
	var a Addr
	if err := a.UnmarshalText([]byte("nonsense")); err == nil {
		t.Error("an address that is none is accepted")
	}
}
