package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"

	"ktcp/harness/kernel"
	"ktcp/harness/report"
	"ktcp/harness/unchanged"
)

// Timeout bounds one round of the scenarios on one kernel in wall time. They take minutes, on a debugging kernel and a busy machine an hour; what hangs is
// ended by its own watchdog long before.
const Timeout = 2 * time.Hour

// Spec says which scenarios run and where the words go.
type Spec struct {
	Root  string // the project's directory
	Match string // a regular expression as for go test -run; "" for all
	// Flavors are the flavors of the kernel that all of them run on, separated by blanks, or "all"; "" is [kernel.DefaultFlavors].
	Flavors string
	Kernel  string    // what the user asked for with KERNEL=
	Count   int       // how often each scenario runs; less than 1 is once
	Fresh   bool      // also those that passed before and of which nothing has changed since; more than once is always fresh
	Out     io.Writer // progress and verdict
	// Provision fetches or builds the kernel of a flavor. The default is the real thing.
	Provision func(ctx context.Context, want, flavor string) error
}

// Run runs the scenarios and prints the verdict. It returns the exit code that the run deserves (see package report)
// or an error when there was no run to speak of.
func Run(ctx context.Context, s Spec) (int, error) {
	flavors, note, err := kernel.ChooseFlavors(s.Flavors, s.Kernel)
	if err != nil {
		return report.ExitInvalid, err
	}
	run, err := report.Open(report.Config{Root: s.Root, Command: s.command()})
	if err != nil {
		return report.ExitInvalid, err
	}
	if note != "" {
		if err := run.Note("%s", note); err != nil {
			return report.ExitInvalid, err
		}
	}
	unrun, testErr := s.testAll(ctx, run, flavors)
	if ctx.Err() != nil {
		return report.ExitInvalid, fmt.Errorf("interrupted; what was found so far is in %s", run.Dir())
	}
	// What a flavor would have found is unknown, whatever others have found.
	for _, err := range unrun {
		if err := run.Fail(err); err != nil {
			return report.ExitInvalid, err
		}
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
	if onlyCanaries(verdict) {
		if err := run.Fail(fmt.Errorf("no scenario matches RUN=%s", s.Match)); err != nil {
			return report.ExitInvalid, err
		}
	}
	if verdict, err = run.Close(); err != nil {
		return report.ExitInvalid, err
	}
	return verdict.ExitCode(), report.Publish(verdict, s.Out, s.Root)
}

// command is what the user can type for the same again.
func (s Spec) command() string {
	command := "make vm-check RUN=" + shellescape.Quote(s.Match)
	if s.Flavors != "" {
		command += " FLAVORS=" + shellescape.Quote(s.Flavors)
	}
	if s.Kernel != "" {
		command += " KERNEL=" + shellescape.Quote(s.Kernel)
	}
	if s.Count > 1 {
		command += fmt.Sprintf(" COUNT=%d", s.Count)
	}
	if s.Fresh {
		command += " FRESH=1"
	}
	return command
}

// passes is what scenarios are to do with earlier passes. The canaries have none: detectors are proven in every run.
func (s Spec) passes() string {
	if s.Fresh || s.Count > 1 {
		return unchanged.Renew
	}
	return unchanged.LeaveOut
}

// part is what one process of go test runs.
type part struct {
	flavor      string
	match, skip string
	count       int
	name        string // of its reports
}

// canaries matches the test that shows the detectors what they must see.
const canaries = "^TestCanary$"

// notScenarios matches the tests that judge the scenarios, with mutants: make test and make mutants run them. Whoever asks for
// them by name gets them.
const notScenarios = "^TestMutants"

// parts are the processes of go test for a flavor. The canaries come first: where one is missed, nothing else counts.
func (s Spec) parts(flavor string) []part {
	match, skip := s.Match, canaries
	if match == "" || match == "." {
		match, skip = ".", canaries+"|"+notScenarios
	}
	name := "junit"
	if flavor != kernel.Stock {
		name += "-" + flavor
	}
	return []part{
		{flavor: flavor, match: canaries, count: 1, name: name + "-canary"},
		{flavor: flavor, match: match, skip: skip, count: max(s.Count, 1), name: name},
	}
}

// testAll runs all scenarios on all flavors. It returns why flavors could not be run, an error each, and what go test said otherwise: that a
// scenario failed, as a rule.
func (s Spec) testAll(ctx context.Context, run *report.Recorder, flavors []string) (unrun []error, testErr error) {
	var errs []error
	for _, flavor := range flavors {
		if flavor != kernel.Stock {
			// Here, where its progress is seen: go test holds back what its tests print.
			if err := s.provision(ctx, flavor); err != nil {
				unrun = append(unrun, fmt.Errorf("flavor %s was not run: its kernel: %w", flavor, err))
				continue
			}
		}
		for _, p := range s.parts(flavor) {
			before, err := recorded(run)
			if err != nil {
				unrun = append(unrun, err)
			}
			err = s.goTest(ctx, run, p)
			if ctx.Err() != nil {
				return unrun, errors.Join(append(errs, err)...)
			}
			if err == nil {
				continue
			}
			after, loadErr := recorded(run)
			if loadErr != nil || after == before { // it did not come as far as to its first scenario
				unrun = append(unrun, fmt.Errorf("flavor %s was not run: go test -run '%s': %w (its output is above)", flavor, p.match, err))
				continue
			}
			errs = append(errs, fmt.Errorf("go test on %s: %w", flavor, err))
		}
	}
	return unrun, errors.Join(errs...)
}

// recorded returns how many scenarios have a record.
func recorded(run *report.Recorder) (int, error) {
	r, err := report.Load(run.Dir())
	if err != nil {
		return 0, err
	}
	return len(r.Scenarios), nil
}

// goTest runs scenarios with the run's directory in their environment. They are a process group of their own, so that an
// interrupt, whether it came from the terminal or only to this process, reaches all of them once: the test binary then
// ends its guests and removes its files.
func (s Spec) goTest(ctx context.Context, run *report.Recorder, p part) error {
	dir := run.Dir()
	args := []string{"tool", "gotestsum",
		"--format", "testname", "--hide-summary", "all",
		"--junitfile", filepath.Join(dir, p.name+".xml"),
		"--jsonfile", filepath.Join(dir, strings.Replace(p.name, "junit", "go-test", 1)+".json"),
		"--", fmt.Sprintf("-count=%d", p.count), "-timeout", (time.Duration(p.count) * Timeout).String(), "-run", p.match}
	if p.skip != "" {
		args = append(args, "-skip", p.skip)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./scenarios")...)
	cmd.Dir = s.Root
	owner := fmt.Sprintf("%s=%d", report.OwnerVariable, os.Getpid())
	cmd.Env = append(os.Environ(), run.Env(), owner, flavorVariable+"="+p.flavor, unchanged.Variable+"="+s.passes())
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
