package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/kernel"
	"ktcp/harness/report"
	"ktcp/harness/unchanged"
)

// leaveOutChild makes TestLeaveOut the scenarios that it is about: "fails" has the one fail that can, anything else has all pass.
const leaveOutChild = "KTCP_LEAVE_OUT_TEST_CHILD"

func leaveOutScenarios(t *testing.T) {
	t.Run("plain", func(t *testing.T) { Clone(t).Insmod("droptcp") })
	t.Run("chance", func(t *testing.T) {
		g := Clone(t)
		g.Insmod("droptcp")
		g.Again("SEED=1")
	})
	t.Run("two", func(t *testing.T) {
		Clone(t).Insmod("droptcp")
		Clone(t)
	})
	t.Run("rare", func(t *testing.T) {
		Clone(t).Insmod("droptcp")
		if os.Getenv(leaveOutChild) == "fails" {
			t.Error("as it shall")
		}
	})
}

// What has passed is left out until a file of its module is another or it has failed; what chance has a part in, and what has several guests,
// runs every time, and so does everything when it is asked for.
func TestLeaveOut(t *testing.T) {
	if os.Getenv(leaveOutChild) != "" {
		leaveOutScenarios(t)
		return
	}
	t.Parallel()
	modules := t.TempDir()
	if err := os.CopyFS(modules, os.DirFS("../module")); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(modules, "droptcp", "main.c")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, mode  string
		plain, rare report.Verdict
		edit        string // appended to the module's source before
	}{
		{"first", unchanged.LeaveOut, report.Pass, report.Pass, "/* " + t.TempDir() + " */\n"}, // as no other run of this test has it
		{"again", unchanged.LeaveOut, report.Unchanged, report.Unchanged, ""},
		{"all are asked for", unchanged.Renew, report.Pass, report.Fail, ""},
		{"after one has failed", unchanged.LeaveOut, report.Unchanged, report.Pass, ""},
		{"edited", unchanged.LeaveOut, report.Pass, report.Fail, "/* edited */\n"},
		{"edited, again", unchanged.LeaveOut, report.Unchanged, report.Pass, ""},
		{"nobody asks", "", report.Pass, report.Pass, ""},
	} {
		text = append(text, tt.edit...)
		if err := os.WriteFile(source, text, 0o644); err != nil {
			t.Fatal(err)
		}
		does := "passes"
		if tt.rare == report.Fail {
			does = "fails"
		}
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestLeaveOut$")
		cmd.Env = append(os.Environ(), leaveOutChild+"="+does, unchanged.Variable+"="+tt.mode, ModulesVariable+"="+modules, report.RunVariable+"="+dir)
		out, err := cmd.CombinedOutput()
		if (err != nil) != (tt.rare == report.Fail) {
			t.Fatalf("%s: %v\n%s", tt.name, err, out)
		}
		run, err := report.Load(dir)
		if err != nil {
			t.Fatalf("%s: %v\n%s", tt.name, err, out)
		}
		got := map[string]report.Verdict{}
		for _, s := range run.Scenarios {
			got[filepath.Base(s.Name)] = s.Verdict
			if (s.Verdict == report.Unchanged) != (s.Passed != nil) {
				t.Errorf("%s: %s is %s, since %+v", tt.name, s.Name, s.Verdict, s.Passed)
			}
		}
		want := map[string]report.Verdict{"plain": tt.plain, "chance": report.Pass, "two": report.Pass, "rare": tt.rare}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s\n%s", tt.name, diff, out)
		}
	}
}

// A sweep of all allocations is not left out because one of a sample has passed.
func TestSweepIsNotLeftOut(t *testing.T) {
	t.Setenv(unchanged.Variable, unchanged.LeaveOut)
	t.Setenv(sweepVariable, sweepAll)
	r := &rig{kernel: &kernel.Kernel{}}
	if got, err := r.openPasses(); got != nil || err != nil {
		t.Errorf("with %s=%s earlier passes count: %v, %v", sweepVariable, sweepAll, got, err)
	}
}
