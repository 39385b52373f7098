package vet

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/finding"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
	"ktcp/harness/subject"
)

// fake returns a trial whose scenarios are a shell script, on two flavors.
func fake(t *testing.T, script string) *trial {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "scenarios"), 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, "scenarios.test")
	text := "#!/bin/sh\nrecord() { mkdir -p \"$KTCP_RUN/scenarios/$1\"; printf '%s' \"$2\" >\"$KTCP_RUN/scenarios/$1/record.json\"; }\n" + script
	if err := os.WriteFile(binary, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(report.RunVariable, "")
	run, err := report.Open(report.Config{Root: root, Join: filepath.Join(root, "run")})
	if err != nil {
		t.Fatal(err)
	}
	v := &vetting{
		Spec: Spec{Root: root, Out: io.Discard, Kernel: "6.12"}, binary: binary, dir: run.Dir(),
		flavors: []string{kernel.Stock, kernel.KASAN},
		scenarios: []Scenario{
			{"TestLeaks", "it leaks", []subject.Role{subject.Echo}}, {"TestOverruns", "it overruns", []subject.Role{subject.Echo}},
		},
	}
	m := &Module{Dir: "my echo", Name: "kecho", Role: subject.Echo, Checks: []Check{}}
	return &trial{vetting: v, Module: m, stranger: &subject.Stranger{Role: subject.Echo}, run: run, flaws: map[string]int{}}
}

// both judges on both flavors.
func (t *trial) both(tb testing.TB) {
	tb.Helper()
	for _, flavor := range t.flavors {
		if err := t.judge(context.Background(), flavor); err != nil {
			tb.Fatalf("%s: %v", flavor, err)
		}
	}
	t.decide()
}

// Both kernels see the leak; only the one with the sanitizer sees the overrun, which a random life has met.
const onTwo = `
leak='{"kind":"leak","oracle":"ledger","title":"2 objects","location":{"file":"main.c","line":7},"fingerprint":"aaaa"}'
overrun='{"kind":"kasan","oracle":"kernel-log","title":"slab-out-of-bounds","location":{"file":"main.c","line":9},"fingerprint":"bbbb"}'
record "TestLeaks-$FLAVOR" '{"name":"TestLeaks","verdict":"FAIL","pid":'$$',"findings":['"$leak"']}'
case $FLAVOR in
stock) record TestOverruns '{"name":"TestOverruns","verdict":"pass","again":["SEED=1"]}' ;;
kasan) record TestOverruns~2 '{"name":"TestOverruns","verdict":"FAIL","again":["SEED=7","STEPS=40"],"started":"2026-01-01T00:00:00Z","findings":['"$overrun"']}' ;;
esac
`

// The findings of all flavors are one report: each flaw once, with the flavors that saw it and a command for one that did.
func TestFlavorsAreFolded(t *testing.T) {
	trial := fake(t, onTwo)
	trial.both(t)
	type flaw struct {
		kind      finding.Kind
		flavors   string
		reproduce string
	}
	var got []flaw
	for _, f := range trial.Flaws {
		got = append(got, flaw{f.Finding.Kind, strings.Join(f.Flavors, " "), f.Reproduce})
	}
	want := []flaw{
		{finding.KASAN, "kasan", "SEED=7 STEPS=40 KERNEL=6.12 go run . vet --flavors kasan --as echo --run '^TestOverruns$' 'my echo'"},
		{finding.Leak, "stock kasan", "KERNEL=6.12 go run . vet --flavors stock --as echo --run '^TestLeaks$' 'my echo'"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(flaw{})); diff != "" {
		t.Errorf("flaws (-want +got):\n%s", diff)
	}
	if trial.Verdict != report.Fail || len(trial.Checks) != 4 || trial.exitCode() != report.ExitFindings {
		t.Errorf("verdict %s, exit code %d, %d checks: %+v", trial.Verdict, trial.exitCode(), len(trial.Checks), trial.Checks)
	}
	text := trial.moduleText(*trial.Module)
	for _, want := range []string{
		"my echo: FAIL: kecho as echo, 2 flaws in 2 of 2 scenarios on stock and kasan\n",
		"on         kasan only\n",
		"again      SEED=7 STEPS=40 KERNEL=6.12 go run . vet",
		"pass (1): Overruns (stock)\n",
		"FAIL (2): Leaks, Overruns (kasan)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "only\n"); n != 1 {
		t.Errorf("%d flaws are said to be of some flavors only, want 1:\n%s", n, text)
	}
}

// A flavor on which nothing can be judged is told, and hides no flaw of another.
func TestOneFlavorThatDoesNotRun(t *testing.T) {
	trial := fake(t, `[ $FLAVOR = stock ] || { echo no such kernel; exit 1; }
record TestLeaks '{"name":"TestLeaks","verdict":"pass"}'
`)
	if err := trial.judge(context.Background(), kernel.Stock); err != nil {
		t.Fatal(err)
	}
	err := trial.judge(context.Background(), kernel.KASAN)
	if err == nil || !strings.Contains(err.Error(), "no scenario ran") || !strings.Contains(trial.Detail, "no such kernel") {
		t.Errorf("error %v, detail %q", err, trial.Detail)
	}
}

// A scenario's own expectation is one flaw, also where the numbers in its words differ between kernels; another's words are another.
func TestExpectationsAreFolded(t *testing.T) {
	trial := fake(t, `
record TestLeaks-$FLAVOR '{"name":"TestLeaks","verdict":"FAIL","failed":true,"started":"2026-01-01T00:00:00Z","pid":'$$',"messages":["took '${#FLAVOR}'5 ms"]}'
record TestOverruns-$FLAVOR '{"name":"TestOverruns","verdict":"FAIL","failed":true,"started":"2026-01-01T00:00:00Z","pid":'$$',"messages":["on '$FLAVOR'"]}'
`)
	trial.both(t)
	var got []string
	for _, f := range trial.Flaws {
		got = append(got, fmt.Sprint(f.Messages, f.Flavors))
	}
	want := []string{"[took 55 ms] [stock kasan]", "[on stock] [stock]", "[on kasan] [kasan]"}
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], "][", "] [")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A kernel with sanitizers makes objects larger: memory of one place is one flaw all the same, but two sizes on one kernel are two.
func TestSizesAreFolded(t *testing.T) {
	trial := fake(t, "")
	leak := func(flavor, class string, functions ...string) {
		f := finding.Finding{Kind: finding.Leak, Oracle: finding.OracleLedger, Module: "kecho", Class: class}
		for _, name := range functions {
			f.Stack = append(f.Stack, finding.Frame{Func: name, Module: "kecho"})
		}
		trial.note(Flaw{Finding: &f, Flavors: []string{flavor}, Scenarios: []string{"TestLeaks"}}, finding.Fingerprint(f))
	}
	leak("stock", "kmalloc-96", "open")
	leak("stock", "kmalloc-128", "open")
	leak("stock", "conns", "open")
	leak("kasan", "kmalloc-192", "open")
	leak("kasan", "kmalloc-192", "read")
	leak("kasan", "vmalloc", "open")
	var got []string
	for _, f := range trial.Flaws {
		got = append(got, fmt.Sprint(f.Finding.Class, f.Flavors))
	}
	want := []string{"kmalloc-96[stock kasan]", "kmalloc-128[stock]", "conns[stock]", "kmalloc-192[kasan]", "vmalloc[kasan]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is never freed is a leak, and that it grows meanwhile is no second flaw; what exit frees is one.
func TestGrowthOfALeakIsTheLeak(t *testing.T) {
	at := func(kind finding.Kind, line int, scenario string) Flaw {
		return Flaw{
			Finding: &finding.Finding{Kind: kind, Location: &finding.Location{File: "main.c", Line: line}},
			Flavors: []string{"stock"}, Scenarios: []string{scenario},
		}
	}
	m := Module{Flaws: []Flaw{at(finding.Growth, 7, "TestGrowth"), at(finding.Growth, 9, "TestGrowth"), at(finding.Leak, 7, "TestLeak")}}
	m.decide()
	var got []string
	for _, f := range m.Flaws {
		got = append(got, fmt.Sprintf("%s %d %s", f.Finding.Kind, f.Finding.Location.Line, strings.Join(f.Scenarios, " ")))
	}
	if diff := cmp.Diff([]string{"leak 7 TestLeak TestGrowth", "growth 9 TestGrowth"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Where every scenario is for other kernels nothing was judged, and it says so.
func TestNothingJudged(t *testing.T) {
	trial := fake(t, `record TestLeaks~$FLAVOR '{"name":"TestLeaks","verdict":"skip","skipped":"takes another kernel","started":"2026-01-01T00:00:00Z","pid":'$$'}'`)
	trial.both(t)
	if trial.Verdict != report.Error || trial.Error == "" || trial.exitCode() != report.ExitInvalid {
		t.Errorf("verdict %s, error %q", trial.Verdict, trial.Error)
	}
	if text := trial.moduleText(*trial.Module); !strings.Contains(text, "skip (1): Leaks, because: takes another kernel\n") {
		t.Errorf("the report does not list it:\n%s", text)
	}
}

// What a module does not offer is tried on one kernel.
func TestWhatIsNotOfferedIsTriedOnce(t *testing.T) {
	trial := fake(t, `echo "$FLAVOR $*" >>../tried
[ $FLAVOR = stock ] && record TestLeaks~$FLAVOR '{"name":"TestLeaks/echo","verdict":"not offered","skipped":"no HEAD","not_offered":["HEAD"]}'
record TestOverruns~$FLAVOR '{"name":"TestOverruns","verdict":"pass","pid":'$$'}'
`)
	trial.both(t)
	tried, err := os.ReadFile(filepath.Join(trial.Root, "tried"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(tried)) {
		fields := strings.Fields(line)
		got = append(got, fields[0]+" "+fields[3])
	}
	if diff := cmp.Diff([]string{"stock ^(TestLeaks|TestOverruns)$", "kasan ^(TestOverruns)$"}, got); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	if text := trial.moduleText(*trial.Module); !strings.Contains(text, "pass (1): Overruns\n") || !strings.Contains(text, "not offered (1): Leaks/echo\n") {
		t.Errorf("the report does not say so:\n%s", text)
	}
}

// A shell takes the command that a flaw comes with as it was meant.
func TestAgainIsWhatAShellTakes(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\nprintf '%s|' \"$SEED\" \"$KERNEL\" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := Spec{Kernel: "/my kernels/6.1", Params: []string{"name=it's"}, RootParam: "root"}
	command := s.again(subject.HTTP, "my fork", "^TestX$", []string{"stock", "kasan"}, []string{"SEED=7"})
	shell := exec.Command("sh", "-c", command)
	shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := shell.Output()
	const want = "7|/my kernels/6.1|run|.|vet|--flavors|stock kasan|--as|http|--param|name=it's|--root-param|root|--run|^TestX$|my fork|"
	if err != nil || string(out) != want {
		t.Errorf("%s\n%v: %s\nwant %s", command, err, out, want)
	}
}
