package vet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ktcp/harness/finding"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
	"ktcp/harness/subject"
)

// flawMark marks the lines of a poor module that are to be named.
const flawMark = "/* flaw */"

// Modules that are poor in the ways of the course: each flaw must be reported as what it is, at its line, and the commands given must
// be those that show it.
var poor = []struct {
	name  string
	role  subject.Role
	match string // of the scenarios, those that are to see it
	kinds []finding.Kind
	with  string // a function that one of the finding's other stacks passes through at a marked line; "" for none
}{
	{"threads", subject.HTTP, "^TestRoleRmmodWithIdleClient$", []finding.Kind{finding.PageFault}, ""},
	{"mempool", subject.HTTP, "^TestRoleRmmodAfterTraffic$", []finding.Kind{finding.Leak}, ""},
	{"strlen", subject.Echo, "^TestRoleBinary$", []finding.Kind{finding.WireFault}, ""},
	{"blocking", subject.HTTP, "^TestRoleManyIdleClients$", []finding.Kind{finding.Starvation}, ""},
	{"single", subject.Echo, "^TestRoleManyIdleClients$", []finding.Kind{finding.Starvation}, ""},
	{"single", subject.Echo, "^TestRoleRmmodWithIdleClient$", []finding.Kind{finding.NotUnloaded}, "talk"},
	{"unlocked", subject.Web, "^TestStartAndStopFromSeveralThreads$", []finding.Kind{
		finding.Leak, finding.Oops, finding.PageFault, finding.Bug, finding.Warning, finding.Refcount, finding.NotUnloaded,
		finding.HungTask,
	}, ""},
}

// run judges and returns the report.
func run(t *testing.T, s Spec) (r Result, code int) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(report.ResultsVariable, t.TempDir())
	t.Setenv(report.RunVariable, "")
	var out bytes.Buffer
	s.Root, s.JSON, s.Out, s.Progress, s.Kernel = root, true, &out, os.Stderr, os.Getenv("KERNEL")
	if s.Flavors == "" {
		s.Flavors = cmp.Or(os.Getenv("FLAVOR"), kernel.Stock)
	}
	code, err = Run(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v in %s", err, out.Bytes())
	}
	return r, code
}

func TestPoorModulesAreReportedByLine(t *testing.T) {
	for _, p := range poor {
		t.Run(p.name+"/"+strings.Trim(p.match, "^$"), func(t *testing.T) {
			dir := filepath.Join("testdata", "poor", p.name)
			r, code := run(t, Spec{Dirs: []string{dir}, Match: p.match, NoCanaries: true})
			if code != report.ExitFindings || len(r.Modules) != 1 {
				t.Fatalf("exit code %d, want %d: %+v", code, report.ExitFindings, r)
			}
			m := r.Modules[0]
			if m.Role != p.role {
				t.Errorf("taken for %s, is %s", m.Role, p.role)
			}
			lines := marked(t, dir)
			for _, f := range m.Flaws {
				if f.Finding == nil || f.Finding.Location == nil || !slices.Contains(p.kinds, f.Finding.Kind) {
					continue
				}
				at := fmt.Sprintf("%s:%d", filepath.Base(f.Finding.Location.File), f.Finding.Location.Line)
				if !slices.Contains(lines, at) || !passesThrough(f.Finding.Related, p.with, lines) {
					continue
				}
				if f.Story == "" || f.About == "" || !strings.Contains(f.Reproduce, dir) || !strings.Contains(f.Reproduce, strings.Trim(p.match, "^$")) {
					t.Errorf("the flaw does not say how to see it: %+v", f)
				}
				return
			}
			for _, f := range m.Flaws {
				if f.Finding != nil {
					t.Log(finding.Text(*f.Finding))
				}
				t.Log(f.Messages)
			}
			t.Errorf("want one of %v at one of %v", p.kinds, lines)
		})
	}
}

// passesThrough reports whether a function, if one is named, is in one of the stacks, at one of the lines.
func passesThrough(stacks []finding.Trace, function string, lines []string) bool {
	return function == "" || slices.ContainsFunc(stacks, func(s finding.Trace) bool {
		return slices.ContainsFunc(s.Frames, func(f finding.Frame) bool {
			return f.Func == function && slices.Contains(lines, fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line))
		})
	})
}

// marked returns the lines of a module that are marked, as "main.c:87".
func marked(t *testing.T, dir string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.c"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, flawMark) {
				lines = append(lines, fmt.Sprintf("%s:%d", filepath.Base(file), i+1))
			}
		}
	}
	if len(lines) == 0 {
		t.Fatalf("%s marks no line with %s", dir, flawMark)
	}
	return lines
}
