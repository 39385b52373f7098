package kbuild

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDWARF(t *testing.T) {
	for _, want := range series {
		t.Run(want, func(t *testing.T) {
			k := provision(t, want)
			m := mustBuild(t, Spec{Dir: "testdata/shared/web", Root: "testdata/shared", Kernel: k, Cache: openCache(t)})
			// Elsewhere, from another path, the same bytes.
			shared := copySource(t, "shared")
			again := mustBuild(t, Spec{Dir: shared + "/web", Root: shared, Kernel: k, Cache: openCache(t)})
			if again.ID != m.ID || !bytes.Equal(read(t, again.KO), read(t, m.KO)) || !bytes.Equal(read(t, again.Stripped), read(t, m.Stripped)) {
				t.Error("the module depends on where it is built")
			}
			units, files := sources(t, m.KO)
			for _, want := range []string{"web/main.c", "core/conn.c"} {
				if !units[want] {
					t.Errorf("no unit %s among %v", want, units)
				}
			}
			if !files["core/conn.h"] || !files["include/linux/slab.h"] {
				t.Errorf("no core/conn.h or include/linux/slab.h among %v", files)
			}
			for file := range files {
				if filepath.IsAbs(file) || strings.HasPrefix(file, "..") {
					t.Errorf("%s is named by where it was built", file)
				}
			}
			if got := addr2line(t, m.KO, ".text", "conn_put"); !strings.Contains(got, "conn_put\n./core/conn.c:") {
				t.Errorf("addr2line says %q", got)
			}
			// A function that was inlined from a header.
			if got := addr2line(t, m.KO, ".init.text", "init_module"); !strings.Contains(got, "conn_get\n./core/conn.h:9\nweb_init\n./web/main.c:10") {
				t.Errorf("addr2line says %q", got)
			}
			// WARN_ON prints __FILE__.
			if !strings.Contains(string(read(t, m.Stripped)), "\x00core/conn.c\x00") {
				t.Error("__FILE__ is not relative to the root")
			}
			f, err := elf.Open(m.Stripped)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, s := range f.Sections {
				if strings.HasPrefix(s.Name, ".debug_") {
					t.Errorf("the stripped module has %s", s.Name)
				}
			}
			if _, err := f.Symbols(); err != nil {
				t.Errorf("the stripped module has no symbols: %v", err)
			}
		})
	}
}

// sources returns the compilation units of a module, and all files in their line tables, as clean paths.
func sources(tb testing.TB, ko string) (units, files map[string]bool) {
	tb.Helper()
	f, err := elf.Open(ko)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	data, err := f.DWARF()
	if err != nil {
		tb.Fatal(err)
	}
	units, files = map[string]bool{}, map[string]bool{}
	r := data.Reader()
	for {
		e, err := r.Next()
		if err != nil {
			tb.Fatal(err)
		}
		if e == nil {
			return units, files
		}
		if e.Tag == dwarf.TagCompileUnit {
			name, _ := e.Val(dwarf.AttrName).(string)
			units[filepath.Clean(name)] = true
			lines, err := data.LineReader(e)
			if err != nil {
				tb.Fatal(err)
			}
			for _, file := range lines.Files() {
				if file != nil {
					files[filepath.Clean(file.Name)] = true
				}
			}
			var line dwarf.LineEntry
			if err := lines.Next(&line); err != nil && !errors.Is(err, io.EOF) {
				tb.Fatal(err)
			}
		}
		r.SkipChildren()
	}
}

// addr2line returns what it says of all addresses of a function.
func addr2line(tb testing.TB, ko, section, function string) string {
	tb.Helper()
	f, err := elf.Open(ko)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		tb.Fatal(err)
	}
	argv := []string{"-j", section, "-e", ko, "-i", "-f"}
	for _, s := range symbols {
		if s.Name == function {
			for at := s.Value; at < s.Value+s.Size; at++ {
				argv = append(argv, fmt.Sprintf("%#x", at))
			}
		}
	}
	out, err := exec.Command("addr2line", argv...).CombinedOutput()
	if err != nil {
		tb.Fatalf("addr2line: %v\n%s", err, out)
	}
	return string(out)
}
