package versus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ktcp/harness/cache"
	"ktcp/harness/foreign"
	"ktcp/harness/kbuild"
	"ktcp/harness/kernel"
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
	if err := read(contest.Record, &r); err != nil {
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
	dir, err := cache.Open()
	if err != nil {
		return modules, err
	}
	k, err := kernel.Provision(ctx, kernel.Spec{
		Want: os.Getenv("KERNEL"), Flavor: os.Getenv("FLAVOR"), Cache: dir, Logf: s.logf,
	})
	if err != nil {
		return modules, err
	}
	if err := kbuild.Isolation(); err != nil {
		s.logf("makefiles run with your own rights, because this machine cannot isolate them: %v", err)
	}
	for i, d := range s.Dirs {
		id, err := foreign.Identify(ctx, foreign.Spec{
			Dir: d, Module: s.Module, As: s.As, Params: s.Params, Port: s.Port, Kernel: k, Cache: dir,
		})
		if err != nil {
			return modules, describe(d, err)
		}
		modules[i] = *id.Stranger
	}
	if a, b := modules[0], modules[1]; a.Role != b.Role {
		return modules, fmt.Errorf("bench: %w: %s is %s, %s is %s", ErrRoles, s.Dirs[0], a.Role, s.Dirs[1], b.Role)
	}
	return modules, nil
}

// describe is what is wrong with a directory: one line, and a compiler's output where there is one.
func describe(dir string, err error) error {
	var detailed interface{ Detail() string }
	if errors.As(err, &detailed) && detailed.Detail() != "" {
		return fmt.Errorf("bench: %s: %w\n%s", dir, err, strings.TrimRight(detailed.Detail(), "\n"))
	}
	return fmt.Errorf("bench: %s: %w", dir, err)
}

// hold has the scenarios' process measure.
func (s Spec) hold(ctx context.Context, c Contest, run *report.Recorder) error {
	file := filepath.Join(run.Dir(), "contest.json")
	if err := c.Write(file); err != nil {
		return err
	}
	binary := filepath.Join(run.Dir(), "scenarios.test")
	defer os.Remove(binary)
	if err := suite.Compile(ctx, s.Root, binary); err != nil {
		return err
	}
	var said []string
	err := suite.Process{
		Root: s.Root, Binary: binary,
		Args: []string{"-test.run", "^$", "-test.bench", "^" + benchmark + "$", "-test.benchtime", "1x",
			"-test.timeout", (time.Duration(c.Rounds) * deadline).String()},
		Env:  []string{run.Env(), Variable + "=" + file},
		Hear: func(out io.Reader) { said = s.follow(out) },
	}.Run(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("bench: interrupted; nothing is compared")
	}
	if _, missing := os.Stat(c.Record); missing != nil {
		if why := reason(run.Dir()); why != "" {
			return fmt.Errorf("bench: %s", why)
		}
		return fmt.Errorf("bench: it was not measured to the end: %w\n%s", err, strings.Join(said, "\n"))
	}
	return nil
}

// reason returns in one line why the scenario could not be judged, "" where its record does not say.
func reason(dir string) string {
	run, err := report.Load(dir)
	if err != nil {
		return ""
	}
	for _, s := range run.Scenarios {
		if s.Error != "" {
			return strings.Join(strings.Fields(s.Error), " ")
		}
	}
	return ""
}

// follow shows what the harness says about its progress, and returns the last of all else.
func (s Spec) follow(out io.Reader) (said []string) {
	const last = 20
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "ktcp: "); ok {
			s.logf("%s", text)
			continue
		}
		if said = append(said, line); len(said) > last {
			said = said[1:]
		}
	}
	return said
}

func (s Spec) logf(format string, args ...any) {
	if s.Progress != nil {
		fmt.Fprintf(s.Progress, "ktcp: "+format+"\n", args...)
	}
}
