package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
)

// perCPUTrace is what the tracer of 6.1 says, shortened: one piece that is freed; one that is not, whose stack an interrupt came before; one that
// is at the place of the first.
const perCPUTrace = `# tracer: nop
#
# entries-in-buffer/entries-written: 9/9   #P:2
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
          insmod-83      [000] .....     3.141592: percpu_alloc_percpu: call_site=kweb_init+0x1e/0x40 [kweb] reserved=0 is_atomic=0 size=8 align=8 base_addr=00000000f2a36000 off=856 ptr=00000000d1f2a358 bytes_alloc=16 gfp_flags=GFP_KERNEL
          insmod-83      [000] .....     3.141595: <stack trace>
 => kweb_init+0x1e/0x40 [kweb]
          init-1       [001] .....     3.141600: percpu_free_percpu: base_addr=00000000f2a36000 off=856 ptr=00000000d1f2a358
    kworker/0:1: x-9       [000] ..s..     4.000000: percpu_alloc_percpu: call_site=0xffffffffc0403040 reserved=0 is_atomic=1 size=24 align=8 base_addr=00000000f2a36000 off=864 ptr=00000000d1f2a360 bytes_alloc=48 gfp_flags=GFP_ATOMIC
          insmod-83      [001] .....     4.000001: percpu_alloc_percpu: call_site=kweb_start+0x40/0x120 [kweb] reserved=0 is_atomic=0 size=8 align=8 base_addr=00000000f2a36000 off=856 ptr=00000000d1f2a358 bytes_alloc=16 gfp_flags=GFP_KERNEL
    kworker/0:1: x-9       [000] ..s..     4.000002: <stack trace>
 => 0xffffffffc0403040
 => process_one_work+0x1/0x20
          insmod-83      [001] .....     4.000003: <stack trace>
 => trace_event_raw_event_percpu_alloc_percpu+0xc8/0x120
 => kweb_start+0x40/0x120 [kweb]
 => vfs_write+0x10/0x20
          init-1       [001] .....     4.100000: percpu_free_percpu: base_addr=00000000f2a36000 off=1000 ptr=00000000d1f2a3e8
`

func TestPerCPU(t *testing.T) {
	p := perCPU{dir: t.TempDir()}
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := cause.Module{Name: "kweb", Text: []wire.Range{{Start: 0xffffffffc0403000, End: 0xffffffffc0404000}}}
	if got, err := p.sites(m); err != nil || got != nil {
		t.Errorf("%v, %v of a kernel without the tracer", got, err)
	}
	enable := "events/percpu/" + perCPUAlloc + "/enable"
	put(enable, "1\n")
	put("trace", perCPUTrace)
	got, err := p.sites(m)
	want := []wire.Site{
		{Cache: "percpu", Count: 1, Size: 24, Stack: []wire.StackFrame{
			{Addr: 0xffffffffc0403040}, {Func: "process_one_work", Offset: 0x1, Size: 0x20}}},
		{Cache: "percpu", Count: 1, Size: 8, Stack: []wire.StackFrame{
			{Func: "kweb_start", Offset: 0x40, Size: 0x120, Module: "kweb"}, {Func: "vfs_write", Offset: 0x10, Size: 0x20}}},
	}
	for i := range got {
		got[i].AgeMin, got[i].AgeMax = 0, 0
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, sites (-want +got):\n%s", err, diff)
	}
	m.Since = 4*time.Second + tickAndMore
	if got, err := p.sites(m); err != nil || len(got) != 0 {
		t.Errorf("%v, %v of a module that was loaded later", got, err)
	}

	put("trace", strings.Replace(perCPUTrace, "9/9", "9/12", 1))
	if _, err := p.sites(m); !errors.Is(err, ErrOverrun) {
		t.Errorf("%v where the tracer forgot three entries, want %v", err, ErrOverrun)
	}
	for _, bad := range []string{"size=8", "3.141592", "ptr=00000000d1f2a358"} {
		put("trace", strings.Replace(perCPUTrace, bad, "x", 1))
		if _, err := p.sites(m); !errors.Is(err, ErrFormat) {
			t.Errorf("without %q: %v, want %v", bad, err, ErrFormat)
		}
	}
	put(enable, "0\n")
	if got, err := p.sites(m); err != nil || got != nil {
		t.Errorf("%v, %v while the tracer does something else", got, err)
	}
}

func TestPerCPUWithoutTheTracer(t *testing.T) {
	p := perCPU{dir: t.TempDir(), symbols: "/dev/null"}
	if err := p.begin(); err != nil {
		t.Errorf("a kernel without the tracer: %v", err)
	}
	alloc := filepath.Join(p.dir, "events/percpu", perCPUAlloc)
	if err := os.MkdirAll(alloc, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(format string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(alloc, "format"), []byte(format), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("\tfield:size_t size;\toffset:16;\tsize:8;\tsigned:0;\n")
	if err := p.begin(); err != nil {
		t.Errorf("a kernel that does not tell who allocates: %v", err)
	}
	put("\tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;\n")
	if err := p.begin(); err == nil {
		t.Error("no error where the tracer cannot be told what to note")
	}
}

func TestPerCPUCallers(t *testing.T) {
	p := perCPU{symbols: filepath.Join(t.TempDir(), "kallsyms")}
	for symbols, want := range map[string]string{
		"ffffffff81000000 T _text\nffffffff82000000 T _etext\nffffffff82000010 T __alloc_percpu\n": byModules,
		"ffffffff81000000 T _text\nffffffff81000010 T __alloc_percpu\nffffffff81000010 T __pfx\nffffffff81000030 T __alloc_percpu_gfp\n" +
			"ffffffff81000050 T next\nffffffff82000000 T _etext\n": byModules + " || call_site >= 0xffffffff81000010 && call_site < 0xffffffff81000030" +
			" || call_site >= 0xffffffff81000030 && call_site < 0xffffffff81000050",
	} {
		if err := os.WriteFile(p.symbols, []byte(symbols), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := p.callers(); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if err := os.WriteFile(p.symbols, []byte("what\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := p.callers(); !errors.Is(err, ErrFormat) {
		t.Errorf("%v, want %v", err, ErrFormat)
	}
}

// tickAndMore is more than what times may differ by.
const tickAndMore = time.Second
