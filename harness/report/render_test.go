package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/finding"
)

var update = flag.Bool("update", false, "rewrite the golden files from what is rendered now")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update accepts it:\n%s", name, diff)
	}
}

var begin = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// at returns a scenario that started so many seconds into the run.
func at(sec int, name string, v Verdict, took time.Duration, r Result) Scenario {
	r.Guests = []Guest{{Kernel: "6.1.0-56-cloud-amd64", Flavor: "stock", Accelerator: "tcg", Clock: "realtime", Start: "clone"}}
	return Scenario{Name: name, Verdict: v, Started: begin.Add(time.Duration(sec) * time.Second), Duration: took, Result: r}
}

func leak() finding.Finding {
	f := finding.New(finding.Leak, finding.OracleLedger, "kweb", "3 objects, 768 bytes of ktcp_conn never freed",
		"ktcp_conn: 3 objects of 256 bytes, age 1.2s")
	f.Location = &finding.Location{File: "core/conn.c", Line: 87, Func: "ktcp_conn_alloc"}
	f.Stack = []finding.Frame{
		{Func: "kmem_cache_alloc", Offset: 0x1c, Size: 0x90},
		{Func: "ktcp_conn_alloc", Offset: 0x20, Size: 0x80, Module: "kweb", File: "core/conn.c", Line: 87},
		{Func: "ktcp_accept_work", Offset: 0x44, Size: 0x100, Module: "kweb", File: "core/listen.c", Line: 140},
		{Func: "process_one_work", Offset: 0x1c7, Size: 0x380},
	}
	f.Objects, f.Bytes = 3, 768
	return f
}

func warning() finding.Finding {
	f := finding.New(finding.Warning, finding.OracleLog, "kweb", "WARNING at kweb/main.c:31 in kweb_accept: 100% | <b>_x_</b>")
	f.Location = &finding.Location{File: "kweb/main.c", Line: 31, Func: "kweb_accept"}
	f.Count = 2
	return f
}

// runs are the runs that every renderer is shown.
func runs() map[string]*Run {
	base := func(scenarios ...Scenario) *Run {
		return &Run{
			ID: "2026-03-04T05-06-07", Dir: "/home/user/ktcp/results/runs/2026-03-04T05-06-07", Root: "/home/user/ktcp",
			Started: begin, Command: "make vm-check", Host: "2 CPUs, QEMU 7.2.22", Scenarios: scenarios,
		}
	}
	failed := at(3, "TestRmmodWithConnectionsOpen", Fail, 2*time.Second, Result{Failed: true, Findings: []finding.Finding{leak(), warning()}})
	failed.Evidence = []string{"scenarios/TestRmmodWithConnectionsOpen/console.log"}
	noted := base(
		at(0, "TestNetnsEachServesItsOwn", Pass, 1200*time.Millisecond, Result{}),
		at(1, "TestNetnsBadValues/port=0", Pass, 800*time.Millisecond, Result{}),
		failed,
		at(5, "TestToggle", Fail, 1500*time.Millisecond, Result{Failed: true, Messages: []string{"status reads 0, want 1\nafter 17 toggles"}}),
		at(6, "TestIPv6", Skip, 0, Result{Skipped: "the kernel has no IPv6"}),
	)
	noted.Notes = []string{"guests are booted, not cloned: migration is blocked"}
	invalid := base(
		at(0, "TestKilled", Unfinished, 0, Result{}),
		at(1, "TestNoGuest", Error, 300*time.Millisecond, Result{Error: "boot guest: no answer within 30s\nconsole: ..."}),
		at(2, "TestNetnsEachServesItsOwn", Pass, 1200*time.Millisecond, Result{}),
	)
	broken := base(at(0, "TestNetnsEachServesItsOwn", Pass, 1200*time.Millisecond, Result{}))
	broken.Errors = []string{"go test: exit status 2\n# ktcp/scenarios\nnetns_test.go:3: undefined: x"}
	return map[string]*Run{
		"pass": base(
			at(0, "TestNetnsEachServesItsOwn", Pass, 1200*time.Millisecond, Result{}),
			at(2, "TestNetnsEachServesItsOwn", Pass, 1400*time.Millisecond, Result{}),
			at(1, "TestATestWithANameThatIsFarTooLongForAnyTableThatShouldFitIntoAHundredColumns/and_its_subtest", Pass, 900*time.Millisecond, Result{}),
		),
		"findings": noted,
		"invalid":  invalid,
		"broken":   broken,
		"nothing":  base(),
		"skipped":  base(at(0, "TestIPv6", Skip, 0, Result{Skipped: "the kernel has no IPv6"})),
	}
}

func TestRenderers(t *testing.T) {
	source := func(file string) string { return "module/" + file }
	for name, run := range runs() {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", Text(run, TextOptions{}))
			golden(t, name+".ktap", KTAP(run))
			golden(t, name+".github", GitHub(run, source))
			golden(t, name+".md", Markdown(run))
			golden(t, name+".json", string(JSON(run)))
		})
	}
}

func TestVerdictAndExitCode(t *testing.T) {
	want := map[string]struct {
		verdict Verdict
		code    int
	}{
		"pass": {Pass, 0}, "findings": {Fail, 1}, "invalid": {Error, 2}, "broken": {Error, 2}, "nothing": {Error, 2}, "skipped": {Error, 2},
	}
	for name, run := range runs() {
		if got := run.Verdict(); got != want[name].verdict {
			t.Errorf("%s: verdict %s, want %s", name, got, want[name].verdict)
		}
		if got := run.ExitCode(); got != want[name].code {
			t.Errorf("%s: exit code %d, want %d", name, got, want[name].code)
		}
		if !strings.HasPrefix(Text(run, TextOptions{}), string(want[name].verdict)+": ") {
			t.Errorf("%s: the first line does not begin with the verdict", name)
		}
	}
}

func TestTextFitsItsWidth(t *testing.T) {
	for name, run := range runs() {
		for _, width := range []int{72, 80, 100} {
			lines := strings.Split(table(run, TextOptions{Width: width}), "\n")
			for _, l := range lines {
				if n := utf8.RuneCountInString(l); n > width {
					t.Errorf("%s in %d columns: a line takes %d: %q", name, width, n, l)
				}
			}
		}
	}
}

func TestTextIsColouredOnlyWhenAsked(t *testing.T) {
	run := runs()["findings"]
	plain := Text(run, TextOptions{})
	coloured := Text(run, TextOptions{Color: true})
	if strings.Contains(plain, "\x1b") {
		t.Error("plain text holds escape sequences")
	}
	if !strings.Contains(coloured, "\x1b[31mFAIL") || !strings.Contains(coloured, "\x1b[32mpass") {
		t.Errorf("coloured text does not paint the verdicts:\n%q", coloured)
	}
	strip := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[0m", "")
	if diff := cmp.Diff(plain, strip.Replace(coloured)); diff != "" {
		t.Errorf("colours change the text:\n%s", diff)
	}
}

func TestTerminalInAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if got := Terminal(w); got != (TextOptions{}) {
		t.Errorf("options for a pipe: %+v", got)
	}
}

// Whatever is in a message, GitHub reads one command a line and nothing of it as a property.
func TestGitHubEscapes(t *testing.T) {
	f := finding.New(finding.WireFault, finding.OracleWire, "kweb", "100% wrong: a,b::error::c")
	f.Location = &finding.Location{File: "kweb/a,b:c.c", Line: 3}
	run := &Run{Scenarios: []Scenario{{Name: "Test/a:b,c", Verdict: Fail, Result: Result{Findings: []finding.Finding{f}}}}}
	got := GitHub(run, func(file string) string { return file })
	want := "::error file=kweb/a%2Cb%3Ac.c,line=3,title=wire in Test/a%3Ab%2Cc::" +
		"wire  kweb  kweb/a,b:c.c:3  100%25 wrong: a,b::error::c\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := strings.Count(GitHub(run, nil), "file="); n != 0 {
		t.Errorf("%d annotations name a file that is not in the repository", n)
	}
}

func TestSourceBelow(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{"module/kweb/main.c", "own/x.c"} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source := SourceBelow(root)
	for file, want := range map[string]string{
		"kweb/main.c": "module/kweb/main.c",
		"own/x.c":     "own/x.c",
		filepath.Join(root, "module/kweb/main.c"): "module/kweb/main.c",
		"absent.c":                            "",
		"../etc/passwd":                       "",
		"/usr/src/linux/include/linux/slab.h": "",
	} {
		if got := source(file); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}

func TestJSONHoldsEveryFinding(t *testing.T) {
	var d struct {
		Verdict   string
		ExitCode  int `json:"exit_code"`
		Scenarios []map[string]any
		Findings  []finding.Finding
	}
	run := runs()["findings"]
	if err := json.Unmarshal(JSON(run), &d); err != nil {
		t.Fatal(err)
	}
	if d.Verdict != "FAIL" || d.ExitCode != 1 || len(d.Scenarios) != 5 {
		t.Errorf("verdict %s, exit code %d, %d scenarios", d.Verdict, d.ExitCode, len(d.Scenarios))
	}
	if diff := cmp.Diff(run.Scenarios[2].Findings, d.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(run.Scenarios[2].Findings) == 0 {
		t.Error("rendering took the findings out of the run")
	}
}

func TestWrite(t *testing.T) {
	run := runs()["findings"]
	for _, f := range Formats {
		var b bytes.Buffer
		if err := Write(&b, run, f); err != nil || b.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", f, b.Len(), err)
		}
	}
	var b bytes.Buffer
	if err := Write(&b, run, "xml"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "markdown") {
		t.Errorf("unknown format: %v", err)
	}
	if err := Write(failingWriter{}, run, FormatText); !errors.Is(err, errWriter) {
		t.Errorf("a writer that fails: %v", err)
	}
}

var errWriter = errors.New("broken pipe")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errWriter }

func TestPublish(t *testing.T) {
	run := runs()["findings"]
	summary := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(summary, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	var b bytes.Buffer
	if err := Publish(run, &b, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "::error ") || !strings.HasSuffix(b.String(), Text(run, TextOptions{})) {
		t.Errorf("under GitHub Actions:\n%s", b.String())
	}
	got, err := os.ReadFile(summary)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + Markdown(run); string(got) != want {
		t.Errorf("step summary:\n%s", got)
	}
	t.Setenv("GITHUB_ACTIONS", "")
	t.Setenv("GITHUB_STEP_SUMMARY", "")
	b.Reset()
	if err := Publish(run, &b, ""); err != nil || b.String() != Text(run, TextOptions{}) {
		t.Errorf("elsewhere: %v\n%s", err, b.String())
	}
}

// A run that passes says in its first line that part of it was for another kernel.
func TestHeadlineTellsWhatWasSkipped(t *testing.T) {
	run := runs()["pass"]
	run.Scenarios = append(run.Scenarios, runs()["skipped"].Scenarios...)
	if got, want := run.Headline(), "pass: 3 scenarios, nothing found; 1 skipped"; got != want || run.ExitCode() != 0 {
		t.Errorf("%q, exit code %d, want %q, 0", got, run.ExitCode(), want)
	}
	// On another kernel it was judged: nothing is left out.
	judged := run.Scenarios[len(run.Scenarios)-1]
	judged.Verdict = Pass
	run.Scenarios = append(run.Scenarios, judged)
	if got, want := run.Headline(), "pass: 4 scenarios, nothing found"; got != want {
		t.Errorf("skipped on one kernel and judged on another: %q, want %q", got, want)
	}
}

// A scenario that was not run again is no pass of this run, and no gap in it either.
func TestUnchangedIsSaid(t *testing.T) {
	before := &Passed{When: begin, Run: "/r", Flavor: "kasan"}
	for _, tt := range []struct {
		name      string
		scenarios []Scenario
		headline  string
		exit      int
	}{
		{
			"some", []Scenario{at(0, "TestA", Pass, time.Second, Result{}), {Name: "TestB", Verdict: Unchanged, Result: Result{Passed: before}}},
			"pass: 2 scenarios, nothing found; 1 of them unchanged since they passed and not run again", ExitClean,
		},
		{
			"all", []Scenario{{Name: "TestB", Verdict: Unchanged, Result: Result{Passed: before}}},
			"pass: 1 scenario, nothing found; 1 of them unchanged since they passed and not run again", ExitClean,
		},
		{
			"beside a failure", []Scenario{at(0, "TestA", Fail, time.Second, Result{}), {Name: "TestB", Verdict: Unchanged, Result: Result{Passed: before}}},
			"FAIL: 1 of 2 scenarios failed", ExitFindings,
		},
	} {
		run := &Run{Scenarios: tt.scenarios}
		if got := run.Headline(); got != tt.headline || run.ExitCode() != tt.exit {
			t.Errorf("%s: %q, exit code %d, want %q, %d", tt.name, got, run.ExitCode(), tt.headline, tt.exit)
		}
		text := Text(run, TextOptions{})
		for _, want := range []string{"TestB", "unchanged", "passed 4 Mar 05:06", "1 unchanged"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the text lacks %q:\n%s", tt.name, want, text)
			}
		}
	}
	run := &Run{Scenarios: []Scenario{{Name: "TestB", Verdict: Unchanged, Result: Result{Passed: before, Skipped: "unchanged since"}}}}
	if got, want := KTAP(run), "\nok 1 TestB # SKIP unchanged since\n"; !strings.HasSuffix(got, want) {
		t.Errorf("KTAP %q, want %q at its end", got, want)
	}
	if v := (Result{Passed: before, Skipped: "unchanged"}).verdict(); v != Unchanged {
		t.Errorf("verdict %s, want %s", v, Unchanged)
	}
}
