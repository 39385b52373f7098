package check

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ktcp/harness/report"
)

// fakeGo puts a go command on PATH that does what the script says.
func fakeGo(t *testing.T, script string) (root string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv(report.ResultsVariable, "")
	t.Setenv(report.RunVariable, "")
	return t.TempDir()
}

func TestRunInWhichNothingRanIsInvalid(t *testing.T) {
	root := fakeGo(t, "exit 0\n")
	var out strings.Builder
	code, err := Run(t.Context(), Spec{Root: root, Match: "NoSuchScenario", Flavors: "stock", Out: &out})
	if err != nil || code != report.ExitInvalid {
		t.Errorf("exit code %d, %v, want %d", code, err, report.ExitInvalid)
	}
	if !strings.Contains(out.String(), "ERROR") {
		t.Errorf("the verdict does not say so:\n%s", out.String())
	}
}

// What a run is recorded as does the same again in a shell.
func TestRunIsRecordedAsItWasAskedFor(t *testing.T) {
	s := Spec{Match: "^(TestA|TestB)$", Flavors: "stock kasan", Kernel: "/my kernels/6.12", Count: 3, Fresh: true}
	const want = `make vm-check RUN='^(TestA|TestB)$' FLAVORS='stock kasan' KERNEL='/my kernels/6.12' COUNT=3 FRESH=1`
	if got := s.command(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// pass is a scenario's record as go test's processes leave it.
const pass = `mkdir -p "$KTCP_RUN/scenarios/TestX"
echo '{"name":"TestX","verdict":"pass"}' >"$KTCP_RUN/scenarios/TestX/record.json"
`

func TestRunPassesOnlyIfGoTestDoes(t *testing.T) {
	for _, c := range []struct {
		script string
		want   int
	}{
		{pass + "exit 0\n", report.ExitClean},
		{pass + "exit 1\n", report.ExitInvalid}, // something failed that has no record
	} {
		root := fakeGo(t, c.script)
		var out strings.Builder
		if code, err := Run(t.Context(), Spec{Root: root, Flavors: "stock", Out: &out}); err != nil || code != c.want {
			t.Errorf("%q: exit code %d, %v, want %d:\n%s", c.script, code, err, c.want, out.String())
		}
	}
}

// The scenarios run as often as asked for, the canaries once, and the time that they have grows with that.
func TestRunRepeatsTheScenarios(t *testing.T) {
	root := fakeGo(t, pass+`echo "$@" >>"$KTCP_RUN/../../args"`+"\n")
	var out strings.Builder
	if code, err := Run(t.Context(), Spec{Root: root, Flavors: "stock", Count: 30, Out: &out}); err != nil || code != report.ExitClean {
		t.Fatalf("exit code %d, %v:\n%s", code, err, out.String())
	}
	args, err := os.ReadFile(filepath.Join(root, "results/args"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(args)) {
		_, flags, _ := strings.Cut(line, " -- ")
		got = append(got, flags)
	}
	want := []string{
		"-count=1 -timeout 2h0m0s -run ^TestCanary$ ./scenarios\n",
		"-count=30 -timeout 60h0m0s -run . -skip ^TestCanary$|^TestMutants ./scenarios\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.Contains(out.String(), "TestX") {
		t.Errorf("the verdict does not name the scenario:\n%s", out.String())
	}
}

// event returns what a script waits for nobody with, and a test waits for: a FIFO below dir that the script writes a line to.
func event(t *testing.T, dir, name string) (await func() error) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := unix.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|unix.O_NONBLOCK, 0) // for writing too, so that it has no end before there was a line
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func() error {
		if err := f.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		_, err := f.Read(make([]byte, 1))
		return err
	}
}

func TestRunInterruptedReachesTheGrandchildren(t *testing.T) {
	root := fakeGo(t, `sh -c 'trap "echo >ended; exit 143" TERM; echo >started; while :; do sleep 0.05; done' &
wait
wait
`)
	started, ended := event(t, root, "started"), event(t, root, "ended")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		if err := started(); err != nil {
			t.Errorf("the grandchild did not start: %v", err)
		}
	}()
	code, err := Run(ctx, Spec{Root: root, Flavors: "stock", Out: new(strings.Builder)})
	if err == nil || code != report.ExitInvalid {
		t.Errorf("exit code %d, %v, want %d and an error", code, err, report.ExitInvalid)
	}
	if err := ended(); err != nil {
		t.Errorf("the grandchild was not told to end: %v", err)
	}
}
