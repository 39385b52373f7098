package versus

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"ktcp/harness/foreign"
	"ktcp/harness/handover"
	"ktcp/harness/report"
	"ktcp/harness/subject"
	"ktcp/harness/suite"
)

// benchmark is the scenario that measures.
const benchmark = "BenchmarkVersus"

// deadline bounds a round of both modules in wall time. It takes half a minute; what takes this long hangs.
const deadline = 10 * time.Minute

// Run measures both modules, prints the comparison and returns the exit code: [report.ExitFindings] where one of them did not answer a
// load as it should or an oracle found something. An error tells that there is no comparison.
func Run(ctx context.Context, s Spec) (int, error) {
	if err := s.Validate(); err != nil {
		return report.ExitInvalid, err
	}
	run, err := report.Open(report.Config{Root: s.Root, Command: s.Command})
	if err != nil {
		return report.ExitInvalid, err
	}
	contest := Contest{Rounds: s.Rounds, Record: filepath.Join(run.Dir(), "contest-record.json")}
	if contest.Modules, err = s.identify(ctx); err != nil {
		return report.ExitInvalid, err
	}
	if err := s.hold(ctx, contest, run); err != nil {
		return report.ExitInvalid, err
	}
	var r Record
	if err := handover.Read(contest.Record, &r); err != nil {
		return report.ExitInvalid, err
	}
	raw, err := r.writeRaw(run.Dir())
	if err != nil {
		return report.ExitInvalid, err
	}
	text, code := s.text(&r, contest, raw)
	if _, err := io.WriteString(s.Out, text); err != nil {
		return report.ExitInvalid, fmt.Errorf("print the comparison: %w", err)
	}
	return code, nil
}

// identify builds both modules and finds out what they are.
func (s Spec) identify(ctx context.Context) (modules [2]subject.Stranger, err error) {
	found, err := foreign.All(ctx, s.Dirs, foreign.Spec{Module: s.Module, As: s.As, Params: s.Params, Port: s.Port}, report.Progress(s.Progress))
	if err != nil {
		return modules, fmt.Errorf("bench: %w", err)
	}
	copy(modules[:], found)
	if a, b := modules[0], modules[1]; a.Role != b.Role {
		return modules, fmt.Errorf("bench: %w: %s is %s, %s is %s", ErrRoles, s.Dirs[0], a.Role, s.Dirs[1], b.Role)
	}
	return modules, nil
}

// hold has the scenarios' process measure.
func (s Spec) hold(ctx context.Context, c Contest, run *report.Recorder) error {
	file := filepath.Join(run.Dir(), "contest.json")
	if err := c.Write(file); err != nil {
		return err
	}
	err := suite.Benchmark{
		Root: s.Root, Name: benchmark, Env: []string{Variable + "=" + file}, Run: run,
		Limit: time.Duration(c.Rounds) * deadline, Logf: report.Progress(s.Progress),
	}.Do(ctx)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}
