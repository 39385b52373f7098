package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/finding"
)

// childEnv makes the test binary a process that records scenarios and then does what the variable says.
const childEnv = "KTCP_REPORT_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		if err := child(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child joins the run that the environment names.
func child(what string) error {
	r, err := Open(Config{})
	if err != nil {
		return err
	}
	if what == "full" {
		return finishWithoutRoom(r)
	}
	done, err := r.Begin("TestDone")
	if err != nil {
		return err
	}
	if _, err := done.Finish(Result{Findings: []finding.Finding{leak()}}); err != nil {
		return err
	}
	if _, err := r.Begin("TestCut"); err != nil {
		return err
	}
	if what == "killed" {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	_, err = r.Close()
	return err
}

// openRun starts a run in a directory of its own.
func openRun(tb testing.TB) *Recorder {
	tb.Helper()
	root := tb.TempDir()
	r, err := Open(Config{Root: root, Results: filepath.Join(root, "results"), Command: "make vm-check"})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// finish records a scenario from begin to end.
func finish(tb testing.TB, r *Recorder, name string, result Result) Verdict {
	tb.Helper()
	e, err := r.Begin(name)
	if err != nil {
		tb.Fatal(err)
	}
	v, err := e.Finish(result)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// isolate keeps the environment of the tests' own process out of a test.
func isolate(t *testing.T) {
	t.Helper()
	t.Setenv(RunVariable, "")
	t.Setenv(ResultsVariable, "")
}

func TestRecorderWritesWhatLoadReads(t *testing.T) {
	isolate(t)
	r := openRun(t)
	if err := r.Note("cloning works"); err != nil {
		t.Fatal(err)
	}
	e, err := r.Begin("TestRmmod/idle connections")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.Path("console.log"), []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	result := Result{Findings: []finding.Finding{leak()}, Guests: []Guest{{Kernel: "6.1", Accelerator: "tcg"}}, Modules: []Module{{Name: "kweb"}}}
	if v, err := e.Finish(result); v != Fail || err != nil {
		t.Fatalf("verdict %s, %v", v, err)
	}
	run, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Scenarios) != 1 {
		t.Fatalf("%d scenarios", len(run.Scenarios))
	}
	got := run.Scenarios[0]
	if got.Name != "TestRmmod/idle connections" || got.Verdict != Fail || got.PID != os.Getpid() || got.Duration <= 0 {
		t.Errorf("record: %+v", got)
	}
	want := leak()
	want.Scenario = got.Name
	if diff := cmp.Diff([]finding.Finding{want}, got.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"scenarios/TestRmmod_idle_connections/console.log"}, got.Evidence); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cloning works"}, run.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	latest, err := Load(Config{Results: filepath.Dir(filepath.Dir(r.Dir()))}.Latest())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, latest); diff != "" {
		t.Errorf("results/latest is another run:\n%s", diff)
	}
	written, err := os.ReadFile(filepath.Join(r.Dir(), findingsFile))
	if err != nil || string(written) != string(JSON(run)) {
		t.Errorf("findings.json: %v\n%s", err, written)
	}
	text, err := os.ReadFile(filepath.Join(r.Dir(), summaryFile))
	if err != nil || !strings.HasPrefix(string(text), "FAIL: ") {
		t.Errorf("verdict.txt: %v\n%s", err, text)
	}
}

func TestResultVerdict(t *testing.T) {
	blind := finding.Blind(finding.OracleLedger, errors.New("no debugfs"))
	tests := map[string]struct {
		result Result
		want   Verdict
	}{
		"clean":                    {Result{}, Pass},
		"failed":                   {Result{Failed: true}, Fail},
		"finding":                  {Result{Findings: []finding.Finding{leak()}}, Fail},
		"skipped":                  {Result{Skipped: "no IPv6"}, Skip},
		"skipped after a finding":  {Result{Skipped: "no IPv6", Findings: []finding.Finding{leak()}}, Fail},
		"not judged":               {Result{Error: "no guest"}, Error},
		"blind oracle":             {Result{Findings: []finding.Finding{blind}}, Error},
		"blind oracle and finding": {Result{Failed: true, Findings: []finding.Finding{leak(), blind}}, Error},
	}
	for name, tt := range tests {
		if got := tt.result.verdict(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestRunsOfOneSecondAreApart(t *testing.T) {
	isolate(t)
	root := t.TempDir()
	seen := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := Open(Config{Root: root})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[r.Dir()] {
				t.Errorf("two runs in %s", r.Dir())
			}
			seen[r.Dir()] = true
		})
	}
	wg.Wait()
	target, err := filepath.EvalSymlinks(filepath.Join(root, "results", "latest"))
	if err != nil {
		t.Fatal(err)
	}
	if target, err = filepath.Abs(target); err != nil || !seen[target] {
		t.Errorf("latest points to %s, %v", target, err)
	}
	left, err := filepath.Glob(filepath.Join(root, "results", ".latest-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestScenariosInParallel(t *testing.T) {
	isolate(t)
	r := openRun(t)
	const n = 20
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			finish(t, r, "TestSame", Result{Findings: []finding.Finding{leak()}})
			if err := r.Note("once"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	run, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Scenarios) != n || len(run.Notes) != 1 {
		t.Errorf("%d scenarios, notes %v", len(run.Scenarios), run.Notes)
	}
	if got := rows(run); len(got) != 1 || got[0].times != n {
		t.Errorf("the table has %d rows", len(got))
	}
}

func TestProcessThatIsKilled(t *testing.T) {
	isolate(t)
	r := openRun(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=killed", r.Env())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child: %v\n%s", err, out)
	}
	run, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Verdict{}
	for _, s := range run.Scenarios {
		got[s.Name] = s.Verdict
	}
	if diff := cmp.Diff(map[string]Verdict{"TestDone": Fail, "TestCut": Unfinished}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if run.ExitCode() != ExitInvalid {
		t.Errorf("exit code %d, want %d", run.ExitCode(), ExitInvalid)
	}
}

func TestProcessThatJoins(t *testing.T) {
	isolate(t)
	r := openRun(t)
	finish(t, r, "TestMine", Result{})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=joins", r.Env())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(r.Dir(), summaryFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that only joined has written the verdict: %v", err)
	}
	run, err := Load(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Scenarios) != 3 || run.Command != "make vm-check" {
		t.Errorf("%d scenarios of %q", len(run.Scenarios), run.Command)
	}
	joined, err := Open(Config{Join: r.Dir()})
	if err != nil {
		t.Fatal(err)
	}
	if joined.Owner() || !r.Owner() || joined.Dir() != r.Dir() {
		t.Errorf("owner %v, joined %v in %s", r.Owner(), joined.Owner(), joined.Dir())
	}
}

func TestRecorderFailMakesTheRunInvalid(t *testing.T) {
	isolate(t)
	r := openRun(t)
	finish(t, r, "TestOK", Result{})
	if err := r.Fail(errors.New("go test: exit status 2")); err != nil {
		t.Fatal(err)
	}
	run, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if run.ExitCode() != ExitInvalid || !strings.Contains(run.Headline(), "exit status 2") {
		t.Errorf("exit code %d: %s", run.ExitCode(), run.Headline())
	}
}

func TestFinishTwice(t *testing.T) {
	isolate(t)
	r := openRun(t)
	e, err := r.Begin("TestA")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Finish(Result{Failed: true}); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Finish(Result{}); !errors.Is(err, ErrFinished) || v == Pass {
		t.Errorf("second time: %s, %v", v, err)
	}
}

// A verdict that cannot be written is no verdict.
func TestFinishWithoutRoom(t *testing.T) {
	isolate(t)
	r := openRun(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=full", r.Env())
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "finish TestFull: ") {
		t.Errorf("child: %v\n%s", err, out)
	}
	run, err := Load(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	full := run.Scenarios[len(run.Scenarios)-1]
	if full.Name != "TestFull" || full.Verdict != Unfinished {
		t.Errorf("the record of %s says %s", full.Name, full.Verdict)
	}
	left, err := filepath.Glob(filepath.Join(r.Dir(), scenarioDir, "*", ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// finishWithoutRoom ends a scenario in a process that may not write large files: the writes fail as on a full disk.
func finishWithoutRoom(r *Recorder) error {
	e, err := r.Begin("TestFull")
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 12, Max: 1 << 12}); err != nil {
		return err
	}
	v, err := e.Finish(Result{Messages: []string{strings.Repeat("x", 1<<16)}})
	if v == Pass {
		return fmt.Errorf("the verdict is %s, with error %w", v, err)
	}
	return err
}

// The record's JSON is read by other programs: its names are fixed.
func TestRecordNames(t *testing.T) {
	isolate(t)
	r := openRun(t)
	finish(t, r, "TestA", Result{
		Failed: true, Skipped: "s", Error: "e", Messages: []string{"m"}, Findings: []finding.Finding{leak()},
		Guests: []Guest{{}}, Modules: []Module{{}},
	})
	data, err := os.ReadFile(filepath.Join(r.Dir(), scenarioDir, "TestA", recordFile))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "verdict", "started", "duration_ns", "pid", "failed", "skipped", "error", "messages", "guests", "modules", "findings"} {
		if got[name] == nil {
			t.Errorf("the record has no %q: %s", name, data)
		}
	}
}

// What a scenario chose by chance is in its record from then on, also where its process is killed, and the verdict says it.
func TestAgainIsInTheRecordAtOnce(t *testing.T) {
	isolate(t)
	r := openRun(t)
	e, err := r.Begin("TestRandom")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"SEED=7", "STEPS=40", "SEED=7"} {
		if err := e.Again(v); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"SEED=7", "STEPS=40"}
	wantAgain := func(when string) {
		t.Helper()
		run, err := Load(r.Dir())
		if err != nil || len(run.Scenarios) != 1 {
			t.Fatalf("%s: %+v, %v", when, run, err)
		}
		if diff := cmp.Diff(want, run.Scenarios[0].Again); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if text := Text(run, TextOptions{}); !strings.Contains(text, "the same again with SEED=7 STEPS=40\n") {
			t.Errorf("%s the verdict does not say so:\n%s", when, text)
		}
	}
	wantAgain("before it has ended")
	if _, err := e.Finish(Result{Findings: []finding.Finding{leak()}}); err != nil {
		t.Fatal(err)
	}
	wantAgain("afterwards")
	if err := e.Again("SEED=8"); !errors.Is(err, ErrFinished) {
		t.Errorf("a variable after the end: %v, want %v", err, ErrFinished)
	}
}
