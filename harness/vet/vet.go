package vet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/term"

	"ktcp/harness/cache"
	"ktcp/harness/foreign"
	"ktcp/harness/kbuild"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
	"ktcp/harness/subject"
	"ktcp/harness/suite"
)

// vetting is one command under way.
type vetting struct {
	Spec
	cache     *cache.Dir
	kernel    *kernel.Kernel
	scenarios []Scenario
	binary    string // the scenarios, compiled
	dir       string // of the results
	live      bool   // the progress line is overwritten
}

// Run judges all directories, prints the report and returns the exit code that the worst of them deserves, or an error
// when nothing could be judged for a reason that has nothing to do with them.
func Run(ctx context.Context, s Spec) (int, error) {
	if err := s.Validate(); err != nil {
		return report.ExitInvalid, err
	}
	run, err := report.Open(report.Config{Root: s.Root, Command: s.Command})
	if err != nil {
		return report.ExitInvalid, err
	}
	v := &vetting{Spec: s, dir: run.Dir()}
	if f, ok := s.Progress.(*os.File); ok {
		v.live = term.IsTerminal(int(f.Fd()))
	}
	if err := v.provision(ctx); err != nil {
		return report.ExitInvalid, err
	}
	defer os.Remove(v.binary)
	result := Result{Started: time.Now(), Command: s.Command, Guest: v.kernel.Release + " " + v.kernel.Flavor}
	if err := kbuild.Isolation(); err != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("makefiles ran with your own rights, because this machine cannot isolate them: %v", err))
	}
	for i, dir := range s.Dirs {
		m := v.vet(ctx, i, dir)
		if ctx.Err() != nil {
			return report.ExitInvalid, fmt.Errorf("interrupted; what was found so far is in %s", v.dir)
		}
		result.Modules = append(result.Modules, m)
		result.ExitCode = max(result.ExitCode, m.exitCode())
		if !s.JSON {
			if err := v.print(v.moduleText(m)); err != nil {
				return report.ExitInvalid, err
			}
		}
	}
	return result.ExitCode, v.finish(result)
}

// provision gets what all modules are judged with.
func (v *vetting) provision(ctx context.Context) (err error) {
	if v.scenarios, err = Scan(filepath.Join(v.Root, "scenarios")); err != nil {
		return err
	}
	if v.cache, err = cache.Open(); err != nil {
		return err
	}
	spec := kernel.Spec{Want: os.Getenv("KERNEL"), Flavor: os.Getenv("FLAVOR"), Cache: v.cache, Logf: report.Progress(v.Progress)}
	if v.kernel, err = kernel.Provision(ctx, spec); err != nil {
		return err
	}
	v.binary = filepath.Join(v.dir, "scenarios.test")
	return suite.Compile(ctx, v.Root, v.binary)
}

// vet judges the i-th directory. Whatever goes wrong is in what it returns.
func (v *vetting) vet(ctx context.Context, i int, dir string) Module {
	began := time.Now()
	m := Module{Dir: dir, Role: v.As, Checks: []Check{}, Flaws: []Flaw{}}
	if len(v.Dirs) > 1 {
		v.progress("%d of %d: %s", i+1, len(v.Dirs), dir)
	}
	stranger, err := v.identify(ctx, &m)
	if err == nil {
		err = v.judge(ctx, &m, stranger, v.place(i, dir))
	}
	if err != nil {
		m.Verdict, m.Error = report.Error, err.Error()
		var detailed interface{ Detail() string }
		if errors.As(err, &detailed) {
			m.Detail = detailed.Detail()
		}
	}
	m.Elapsed = time.Since(began)
	return m
}

// identify builds the module of a directory and decides who is to be judged as what. The module's own part of the answer is in m.
func (v *vetting) identify(ctx context.Context, m *Module) (*subject.Stranger, error) {
	id, err := foreign.Identify(ctx, foreign.Spec{
		Dir: m.Dir, Module: v.Module, As: v.As, Params: v.Params, Port: v.Port, RootParam: v.RootParam, Claims: v.Claims,
		Kernel: v.kernel, Cache: v.cache,
	})
	m.Name, m.Why, m.Warnings = id.Name, id.Why, id.Warnings
	if err != nil {
		return nil, err
	}
	m.Role = id.Stranger.Role
	return id.Stranger, nil
}

var unfit = regexp.MustCompile(`[^\w.-]+`)

// place returns where the evidence about a directory goes: into the run itself where there is only one.
func (v *vetting) place(i int, dir string) string {
	if len(v.Dirs) == 1 {
		return v.dir
	}
	return filepath.Join(v.dir, fmt.Sprintf("%02d-%s", i+1, unfit.ReplaceAllString(filepath.Base(dir), "_")))
}

// finish prints what concerns all directories and keeps the result beside the evidence.
func (v *vetting) finish(r Result) error {
	text, err := r.encode()
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(v.dir, "vet.json"), text, 0o644); err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	if v.JSON {
		return v.print(string(text))
	}
	return v.print(v.summaryText(r))
}

func (v *vetting) print(text string) error {
	v.progress("")
	_, err := io.WriteString(v.Out, text)
	return err
}

// progress shows a line about what is being done, in place of the one before where that can be.
func (v *vetting) progress(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case v.Progress == nil:
	case v.live:
		fmt.Fprintf(v.Progress, "\r\x1b[K%s", text)
	case text != "" && !strings.HasSuffix(format, "scenarios"): // a log needs no count
		fmt.Fprintln(v.Progress, "ktcp: "+text)
	}
}

// reproduce returns the command that judges a directory again.
func (v *vetting) reproduce(role subject.Role, match, dir string) string {
	command := "go run . vet" + v.flags(role)
	if match != "" {
		command += " --run " + quote(match)
	}
	return command + " " + quote(dir)
}
