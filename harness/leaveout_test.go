package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ktcp/harness/report"
	"ktcp/harness/unchanged"
)

// leaveOutChild makes the test binary one that runs the scenarios below.
const leaveOutChild = "KTCP_LEAVE_OUT_TEST_CHILD"

func TestLeaveOutScenario(t *testing.T) {
	if os.Getenv(leaveOutChild) == "" {
		t.Skip("for TestLeaveOut")
	}
	t.Run("plain", func(t *testing.T) { Clone(t).Insmod("droptcp") })
	t.Run("chance", func(t *testing.T) {
		g := Clone(t)
		g.Insmod("droptcp")
		g.Again("SEED=1")
	})
	t.Run("two guests", func(t *testing.T) {
		Clone(t).Insmod("droptcp")
		Clone(t)
	})
	t.Run("failing", func(t *testing.T) {
		Clone(t).Insmod("droptcp")
		if os.Getenv(unchanged.Variable) == unchanged.LeaveOut {
			t.Error("as it shall")
		}
	})
}

// What has passed is left out until a file of its module is another; what chance has a part in, what has several guests and what has failed
// runs every time, and so does everything when it is asked for.
func TestLeaveOut(t *testing.T) {
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
		name, mode string
		plain      report.Verdict
		edit       string // appended to the module's source before
	}{
		{"first", unchanged.LeaveOut, report.Pass, "/* " + t.TempDir() + " */\n"}, // as no other run of this test has it
		{"again", unchanged.LeaveOut, report.Unchanged, ""},
		{"all are asked for", unchanged.Renew, report.Pass, ""},
		{"edited", unchanged.LeaveOut, report.Pass, "/* edited */\n"},
		{"edited, again", unchanged.LeaveOut, report.Unchanged, ""},
		{"nobody asks", "", report.Pass, ""},
	} {
		text = append(text, tt.edit...)
		if err := os.WriteFile(source, text, 0o644); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestLeaveOutScenario$")
		cmd.Env = append(os.Environ(), leaveOutChild+"=1", unchanged.Variable+"="+tt.mode, ModulesVariable+"="+modules, report.RunVariable+"="+dir)
		out, err := cmd.CombinedOutput()
		if (err != nil) != (tt.mode == unchanged.LeaveOut) {
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
		failing := report.Pass
		if tt.mode == unchanged.LeaveOut {
			failing = report.Fail
		}
		if got["plain"] != tt.plain || got["chance"] != report.Pass || got["two_guests"] != report.Pass || got["failing"] != failing {
			t.Errorf("%s: %v, want plain to be %s and failing %s\n%s", tt.name, got, tt.plain, failing, out)
		}
	}
}
