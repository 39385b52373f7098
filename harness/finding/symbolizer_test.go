package finding

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// object is a relocatable object with DWARF, as kbuild makes a .ko, and the lines that its source marks.
type object struct {
	path  string
	marks map[string]Location // File and Line
}

// buildObject compiles testdata/object the way that kbuild compiles a module of two files.
func buildObject(tb testing.TB) object {
	tb.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		tb.Fatal("gcc is not installed: run make setup")
	}
	source, err := filepath.Abs("testdata/object")
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	o := object{path: filepath.Join(dir, "object.ko"), marks: map[string]Location{}}
	run := func(name string, args ...string) {
		tb.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			tb.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	for _, unit := range []string{"a", "b"} {
		file := filepath.Join(source, unit+".c")
		run("gcc", "-c", "-g", "-O2", "-fno-pic", "-ffreestanding", "-fdebug-prefix-map="+source+"/=mod/", "-o", unit+".o", file)
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for i, l := range strings.Split(string(text), "\n") {
			if _, rest, ok := strings.Cut(l, "/* mark "); ok {
				name, _, _ := strings.Cut(rest, " ")
				o.marks[name] = Location{File: "mod/" + unit + ".c", Line: i + 1}
			}
		}
	}
	run("ld", "-r", "-o", o.path, "a.o", "b.o")
	return o
}

// at returns the location of a mark in a function.
func (o object) at(tb testing.TB, mark, fn string) *Location {
	tb.Helper()
	l, ok := o.marks[mark]
	if !ok {
		tb.Fatalf("no line is marked %s", mark)
	}
	l.Func = fn
	return &l
}

var loaded = map[string]uint64{
	".text": 0xffffffffc0100000, ".init.text": 0xffffffffc0200000, ".exit.text": 0xffffffffc0100400, ".data": 0xffffffffc0102000,
}

func newSymbolizer(tb testing.TB, o object) *Symbolizer {
	tb.Helper()
	s, err := NewSymbolizer("mod", o.path, loaded)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// symbolNamed returns a function of the object; n tells those with one name apart.
func symbolNamed(tb testing.TB, s *Symbolizer, name string, n int) symbol {
	tb.Helper()
	if n >= len(s.byName[name]) {
		tb.Fatalf("the object has no function %s number %d", name, n)
	}
	return s.byName[name][n]
}

// callReturn returns the offset in fn behind its call at the marked line: the return address that a stack would hold.
func callReturn(tb testing.TB, s *Symbolizer, sym symbol, mark *Location) uint64 {
	tb.Helper()
	// The row after the last one of that line may be elsewhere; the end of the last row of that line lies within the call or just
	// behind it, so any address in the line stands for it.
	for off := sym.size; off > 0; off-- {
		calls := s.lines(sym.section, sym.value+off-1)
		if len(calls) > 0 && calls[0].file == mark.File && calls[0].line == mark.Line {
			return off
		}
	}
	tb.Fatalf("%s has no code for line %v", sym.name, mark)
	return 0
}

func TestSymbolizerKeepsSectionsApart(t *testing.T) {
	o := buildObject(t)
	s := newSymbolizer(t, o)
	for _, tt := range []struct{ fn, mark string }{
		{"first", "init"}, {"last", "exit"}, {"stops_here", "never"}, {"second", "second"},
	} {
		t.Run(tt.fn, func(t *testing.T) {
			sym := symbolNamed(t, s, tt.fn, 0)
			want := o.at(t, tt.mark, tt.fn)
			off := callReturn(t, s, sym, want)
			named := Frame{Func: tt.fn, Offset: off, Size: sym.extent, Module: "mod"}
			bare := Frame{Addr: Addr(loaded[s.sectionName(sym)] + sym.value + off)}
			for _, f := range []Frame{named, bare} {
				findings := []Finding{{Kind: Warning, Oracle: OracleLog, Stack: []Frame{f}}}
				Symbolize(findings, s)
				if diff := cmp.Diff(want, findings[0].Location); diff != "" {
					t.Errorf("%v (-want +got):\n%s", f, diff)
				}
				if findings[0].Module != "mod" {
					t.Errorf("%v is blamed on %q", f, findings[0].Module)
				}
			}
		})
	}
}

// sectionName returns the name of the section that a symbol is in.
func (s *Symbolizer) sectionName(sym symbol) string {
	for _, sec := range s.sections {
		if sec.index == sym.section {
			return sec.name
		}
	}
	return ""
}

func TestSymbolizerShowsInlinedFunctions(t *testing.T) {
	o := buildObject(t)
	s := newSymbolizer(t, o)
	sym := symbolNamed(t, s, "accept_one", 0)
	off := callReturn(t, s, sym, o.at(t, "inner", ""))
	frame := Frame{Func: "accept_one", Offset: off, Size: sym.extent, Module: "mod"}
	got := s.Frames(frame)
	at := func(mark string, f Frame) Frame {
		l := o.at(t, mark, "")
		f.File, f.Line = l.File, l.Line
		return f
	}
	want := []Frame{
		at("inner", Frame{Func: "inner", Module: "mod", Inlined: true}),
		at("outer", Frame{Func: "outer", Module: "mod", Inlined: true}),
		at("accept", frame),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	findings := []Finding{{Stack: []Frame{frame}}}
	Symbolize(findings, s)
	again := findings[0].Stack
	Symbolize(findings, s)
	if diff := cmp.Diff(again, findings[0].Stack); diff != "" {
		t.Errorf("a second call changes the stack:\n%s", diff)
	}
}

func TestSymbolizerTellsFunctionsOfOneNameApartBySize(t *testing.T) {
	o := buildObject(t)
	s := newSymbolizer(t, o)
	for n, mark := range []string{"helper-a", "helper-b"} {
		sym := symbolNamed(t, s, "helper", n)
		want := o.at(t, mark, "helper")
		frame := Frame{Func: "helper", Offset: callReturn(t, s, sym, want), Size: sym.extent, Module: "mod"}
		if got := locate(s.Frames(frame)); !cmp.Equal(want, got) {
			t.Errorf("%v is %v, want %v", frame, got, want)
		}
	}
}

// A function that ends in a call that never returns has its return address behind its own end.
func TestSymbolizerLooksUpTheCallNotTheReturnAddress(t *testing.T) {
	o := buildObject(t)
	s := newSymbolizer(t, o)
	sym := symbolNamed(t, s, "stops_here", 0)
	frame := Frame{Func: "stops_here", Offset: sym.size, Size: sym.size, Module: "mod"}
	if got, want := locate(s.Frames(frame)), o.at(t, "never", "stops_here"); !cmp.Equal(want, got) {
		t.Errorf("return address: %v, want %v", got, want)
	}
	// The same word as a guess of the unwinder is a pointer to the function that follows.
	next := symbolNamed(t, s, "second", 0)
	prev := symbol{}
	for _, c := range s.ordered[next.section] {
		if c.value < next.value && c.size > 0 {
			prev = c
		}
	}
	guess := Frame{Func: prev.name, Offset: next.value - prev.value, Size: next.value - prev.value, Module: "mod", Unreliable: true}
	if got := s.Frames(guess); len(got) != 1 || got[0].Func != "second" || got[0].Offset != 0 {
		t.Errorf("a guess that points behind %s resolves to %v, want second", prev.name, got)
	}
}

func TestSymbolizerLeavesOthersAlone(t *testing.T) {
	s := newSymbolizer(t, buildObject(t))
	stack := []Frame{
		{Func: "kthread", Offset: 0xda, Size: 0x100},
		{Func: "accept_one", Offset: 1, Size: 0x20, Module: "other"},
		{Func: "no_such_function", Offset: 1, Size: 0x20, Module: "mod"},
		{Addr: 0xffffffffc0900000},
		{Addr: Addr(loaded[".data"] + 1)},
		{Addr: 0},
	}
	findings := []Finding{{Stack: append([]Frame(nil), stack...)}}
	Symbolize(findings, s)
	if diff := cmp.Diff(stack, findings[0].Stack); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSymbolizeExplainsFaultsInUnloadedModules(t *testing.T) {
	o := buildObject(t)
	s := newSymbolizer(t, o)
	accept := symbolNamed(t, s, "accept_one", 0)
	text := Addr(loaded[".text"] + accept.value)
	data := Addr(loaded[".data"] + symbolNamed(t, s, "counter", 0).value)
	absent := []string{"#PF: error_code(0x0010) - not-present page"}
	tests := []struct {
		name  string
		in    Finding
		class string
		at    string // function of the location, "" for none
	}{
		{"text", Finding{Kind: PageFault, Address: text, Excerpt: absent, Stack: []Frame{{Addr: text, IP: true}}}, "unloaded-text", "accept_one"},
		{"data", Finding{Kind: PageFault, Address: data, Excerpt: absent}, "unloaded-data", "counter"},
		{"read-only", Finding{Kind: PageFault, Address: data, Excerpt: []string{"#PF: error_code(0x0003) - permissions violation"}}, "", ""},
		{"elsewhere", Finding{Kind: PageFault, Address: 0xffffc90000045000, Excerpt: absent}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Oracle = OracleLog
			findings := []Finding{tt.in}
			Symbolize(findings, s)
			f := findings[0]
			fn := ""
			if f.Location != nil {
				fn = f.Location.Func
				if f.Location.Line == 0 {
					t.Errorf("location without a line: %v", f.Location)
				}
			}
			if f.Class != tt.class || fn != tt.at || (f.Module == "mod") != (tt.class != "") {
				t.Errorf("class %q, location %v, module %q; want class %q in %q", f.Class, f.Location, f.Module, tt.class, tt.at)
			}
		})
	}
	// Of data, the line that declares it.
	findings := []Finding{tests[1].in}
	Symbolize(findings, s)
	if diff := cmp.Diff(o.at(t, "counter", "counter"), findings[0].Location); diff != "" {
		t.Errorf("declaration (-want +got):\n%s", diff)
	}
}

func TestSymbolizerText(t *testing.T) {
	s := newSymbolizer(t, buildObject(t))
	var starts []uint64
	for _, r := range s.Text() {
		starts = append(starts, r.Start)
		if r.End <= r.Start {
			t.Errorf("empty range %v", r)
		}
	}
	want := []uint64{loaded[".text"], loaded[".exit.text"]}
	if diff := cmp.Diff(want, starts); diff != "" {
		t.Errorf("sections of code (-want +got):\n%s", diff)
	}
	unplaced, err := NewSymbolizer("mod", s.ko, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := unplaced.Text(); len(got) != 0 {
		t.Errorf("text without addresses: %v", got)
	}
}

// What the kernel makes of a module's tables is not asked for; everything in which a line or a variable has a name is.
func TestSections(t *testing.T) {
	names, err := Sections(buildObject(t).path)
	if err != nil {
		t.Fatal(err)
	}
	for name := range loaded {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not among %v", name, names)
		}
	}
	for _, name := range []string{"__table", ".note.gnu.property", ".eh_frame", ".symtab"} {
		if slices.Contains(names, name) {
			t.Errorf("%s is among %v", name, names)
		}
	}
	if _, err := Sections(filepath.Join(t.TempDir(), "absent.ko")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func TestNewSymbolizerRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.ko")
	if err := os.WriteFile(text, []byte("no object"), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "absent.ko"), text, self} {
		if _, err := NewSymbolizer("mod", path, nil); err == nil || !strings.Contains(err.Error(), "read symbols of mod") {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

// Relocations of the machines that a guest can be are known, and only those that an address of code or data has.
func TestRelocationWidth(t *testing.T) {
	tests := []struct {
		machine elf.Machine
		kind    uint32
		want    int
	}{
		{elf.EM_X86_64, uint32(elf.R_X86_64_64), 8},
		{elf.EM_X86_64, uint32(elf.R_X86_64_32), 4},
		{elf.EM_X86_64, uint32(elf.R_X86_64_PC32), 0},
		{elf.EM_AARCH64, uint32(elf.R_AARCH64_ABS64), 8},
		{elf.EM_AARCH64, uint32(elf.R_AARCH64_ABS32), 4},
		{elf.EM_RISCV, uint32(elf.R_RISCV_64), 0},
	}
	for _, tt := range tests {
		if got := relocationWidth(tt.machine, tt.kind); got != tt.want {
			t.Errorf("%v kind %d: %d bytes, want %d", tt.machine, tt.kind, got, tt.want)
		}
	}
}
