package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"ktcp/harness/report"
)

// Timeout bounds a run in wall time. A run takes minutes; what takes this long hangs.
const Timeout = 30 * time.Minute

// Spec says which scenarios run and where the words go.
type Spec struct {
	Root  string    // the project's directory
	Match string    // a regular expression as for go test -run; "" for all
	Out   io.Writer // progress and verdict
}

// Run runs the scenarios and prints the verdict. It returns the exit code that the run deserves (see package report)
// or an error when there was no run to speak of.
func Run(ctx context.Context, s Spec) (int, error) {
	run, err := report.Open(report.Config{Root: s.Root, Command: "make vm-check RUN='" + s.Match + "'"})
	if err != nil {
		return report.ExitInvalid, err
	}
	testErr := s.goTest(ctx, run)
	if ctx.Err() != nil {
		return report.ExitInvalid, fmt.Errorf("interrupted; what was found so far is in %s", run.Dir())
	}
	// The records alone decide, unless they know less than go test: a scenario that never began has none.
	verdict, err := report.Load(run.Dir())
	if err != nil {
		return report.ExitInvalid, err
	}
	if testErr != nil && verdict.ExitCode() == report.ExitClean {
		if err := run.Fail(fmt.Errorf("go test: %w (its output is above)", testErr)); err != nil {
			return report.ExitInvalid, err
		}
	}
	if verdict, err = run.Close(); err != nil {
		return report.ExitInvalid, err
	}
	return verdict.ExitCode(), report.Publish(verdict, s.Out, s.Root)
}

// goTest runs the scenarios with the run's directory in their environment. They are a process group of their own, so that an
// interrupt, whether it came from the terminal or only to this process, reaches all of them once: the test binary then
// ends its guests and removes its files.
func (s Spec) goTest(ctx context.Context, run *report.Recorder) error {
	dir := run.Dir()
	match := s.Match
	if match == "" {
		match = "."
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "gotestsum",
		"--format", "testname", "--hide-summary", "all",
		"--junitfile", filepath.Join(dir, "junit.xml"), "--jsonfile", filepath.Join(dir, "go-test.json"),
		"--", "-count=1", "-timeout", Timeout.String(), "-run", match, "./scenarios")
	cmd.Dir = s.Root
	cmd.Env = append(os.Environ(), run.Env())
	cmd.Stdout, cmd.Stderr = s.Out, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: run make setup", err)
	}
	return err
}
