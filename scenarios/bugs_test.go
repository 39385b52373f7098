package scenarios

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ktcp/harness"
	"ktcp/harness/finding"
)

// Each seeded bug is a patch to module/ that marks the line to be found with this comment.
const seed = "/* seeded bug */"

// What proves the oracles: each of these bugs must be found by the oracle named, as the kind named, at the line that
// the patch marks. A detector that has gone blind fails here.
var seededBugs = []struct {
	patch  string // in testdata/bugs
	oracle finding.Oracle
	kind   finding.Kind
	// provoke makes the module run into it.
	provoke func(tb testing.TB, g *harness.Guest)
}{
	{"kmalloc-never-freed.patch", finding.OracleLedger, finding.Leak, serveAndStop},
	{"listener-not-released.patch", finding.OracleLedger, finding.Leak, serveAndStop},
	{"work-not-flushed-at-exit.patch", finding.OracleLog, finding.PageFault, serveAndStop},
	{"warn-in-accept.patch", finding.OracleLog, finding.Warning, serveAndStop},
	{"sysfs-entry-left.patch", finding.OracleLedger, finding.Leak, serveAndStop},
}

func TestSeededBugs(t *testing.T) {
	for _, bug := range seededBugs {
		t.Run(strings.TrimSuffix(bug.patch, ".patch"), func(t *testing.T) {
			t.Parallel()
			sources, want := patched(t, bug.patch)
			got := harness.Witness(t, func(tb testing.TB) {
				bug.provoke(tb, harness.Clone(tb, harness.Sources(sources)))
			})
			for _, f := range got.Findings {
				if f.Oracle == bug.oracle && f.Kind == bug.kind && f.Location != nil &&
					f.Location.File == want.File && f.Location.Line == want.Line {
					return
				}
			}
			t.Errorf("want %s by the %s oracle at %s:%d, got:\n%v", bug.kind, bug.oracle, want.File, want.Line, got)
		})
	}
}

// Without a bug the same story finds nothing: the oracles do not cry wolf.
func TestSeededBugsNone(t *testing.T) {
	t.Parallel()
	got := harness.Witness(t, func(tb testing.TB) { serveAndStop(tb, harness.Clone(tb)) })
	if len(got.Findings) > 0 || len(got.Failures) > 0 {
		t.Errorf("the module as it is: %v", got)
	}
}

func serveAndStop(tb testing.TB, g *harness.Guest) {
	tb.Helper()
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
	kweb.Disable(red)
	kweb.Rmmod()
}

// patched returns a copy of module/ with the bug in it, and where the bug is, in the terms of the module's DWARF.
func patched(t *testing.T, patch string) (dir string, at finding.Location) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../module")); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(filepath.Join("testdata", "bugs", patch))
	if err != nil {
		t.Fatal(err)
	}
	apply := exec.Command("git", "apply", "-p2", file)
	apply.Dir = dir
	// Outside any repository, so that git takes the paths as they are.
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply %s: %v\n%s", patch, err, out)
	}
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".c" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, seed) {
				rel, err := filepath.Rel(dir, path)
				at = finding.Location{File: filepath.ToSlash(rel), Line: i + 1}
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if at.Line == 0 {
		t.Fatalf("%s marks no line with %s", patch, seed)
	}
	return dir, at
}
