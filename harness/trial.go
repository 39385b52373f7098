package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"ktcp/harness/finding"
	"ktcp/harness/report"
	"ktcp/harness/unchanged"
)

// ModulesVariable names a directory whose modules stand in for those of this tree: module/ with a change to it.
const ModulesVariable = "KTCP_MODULES"

// trialDeadline bounds a trial in wall time. One takes seconds; what takes this long hangs.
const trialDeadline = 10 * time.Minute

// Trial is a process of its own that holds changed modules to scenarios of this test binary.
type Trial struct {
	Modules   string // the directory that stands in for module/
	Scenarios string // a regular expression as for go test -run
	Flavor    string // of the kernel; "" is this process's
}

// Run runs the trial and returns what came of it. What it finds does not fail tb; tb fails when nothing is proven, because no
// scenario ran or because one could not be judged. The trial's own evidence is below that of tb.
func (t Trial) Run(tb testing.TB) Testimony {
	tb.Helper()
	r, err := shared()
	if err != nil {
		tb.Fatal(explain(err))
	}
	entry, err := r.run.Begin(tb.Name())
	if err != nil {
		tb.Fatalf("begin the record of %s: %v", tb.Name(), err)
	}
	result := report.Result{}
	tb.Cleanup(func() {
		// After the test has compared: its verdict is whether the change was noticed.
		result.Failed = tb.Failed()
		if _, err := entry.Finish(result); err != nil {
			tb.Errorf("write the verdict: %v", err)
		}
	})
	dir := filepath.Join(entry.Dir(), "trial")
	said, err := t.spawn(r.ctx, dir)
	run, loadErr := report.Load(dir)
	if loadErr != nil || len(run.Scenarios) == 0 {
		result.Error = fmt.Sprintf("the trial ran no scenario that matches %q: %v", t.Scenarios, err)
		tb.Fatalf("%s\n%s", result.Error, said)
	}
	testimony := testimonyOf(run)
	for _, s := range run.Scenarios {
		result.Guests = append(result.Guests, s.Guests...)
		if s.Verdict == report.Error && len(s.Findings) == 0 {
			result.Error = fmt.Sprintf("%s could not be judged: %s", s.Name, s.Error)
			tb.Fatalf("%s\n%s", result.Error, said)
		}
	}
	return testimony
}

// spawn runs the child and returns what it said. It ends with this process, however that ends.
func (t Trial) spawn(ctx context.Context, dir string) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialDeadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", t.Scenarios, "-test.timeout", trialDeadline.String(), "-test.parallel", "1")
	cmd.Env = append(os.Environ(), ModulesVariable+"="+t.Modules, report.RunVariable+"="+dir, unchanged.Variable+"=")
	if t.Flavor != "" {
		cmd.Env = append(cmd.Env, "FLAVOR="+t.Flavor)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// Told, not killed: it has guests to end and files to remove.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = cleanupDeadline
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	// The signal is about the thread that started the child: it must not end before the child does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	return out.String(), err
}

// testimonyOf gathers what all scenarios of a run have found and complained about.
func testimonyOf(run *report.Run) Testimony {
	var t Testimony
	for _, s := range run.Scenarios {
		t.Findings = append(t.Findings, s.Findings...)
		t.Guests = append(t.Guests, s.Guests...)
		for _, m := range s.Messages {
			t.Failures = append(t.Failures, s.Name+": "+m)
		}
		if s.Failed && len(s.Findings) == 0 && len(s.Messages) == 0 {
			t.Failures = append(t.Failures, s.Name+" failed")
		}
	}
	t.Findings = finding.Dedupe(t.Findings)
	return t
}
