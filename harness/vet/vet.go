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
	"ktcp/harness/suite"
)

// vetting is one command under way.
type vetting struct {
	Spec
	cache     *cache.Dir
	flavors   []string
	kernels   map[string]*kernel.Kernel // by flavor
	scenarios []Scenario
	binary    string // the scenarios, compiled
	dir       string // of the results
	notes     []string
	live      bool // the progress line is overwritten
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
	result := Result{Started: time.Now(), Command: s.Command, Guest: v.guests(), Flavors: v.flavors, Notes: v.notes, Modules: []Module{}}
	if err := kbuild.Isolation(); errors.Is(err, kbuild.ErrNoCage) {
		report.Progress(s.Progress)("makefiles run with your own rights: %v", err) // before the first does
		result.Notes = append(result.Notes, fmt.Sprintf("makefiles ran with your own rights: %v", err))
	} else if err != nil {
		return report.ExitInvalid, err
	}
	if err := v.awake(ctx, &result); err != nil {
		return report.ExitInvalid, err
	}
	for i, dir := range s.Dirs {
		m := v.vet(ctx, i, dir)
		if ctx.Err() != nil {
			return report.ExitInvalid, fmt.Errorf("interrupted; what was found so far is in %s", v.dir)
		}
		result.Modules = append(result.Modules, m)
		result.ExitCode = max(result.ExitCode, m.exitCode())
		if s.JSON {
			v.progress("%s: %s, %.0f s", dir, m.headline(v.flavors), m.Elapsed.Seconds())
		} else if err := v.print(v.moduleText(m)); err != nil {
			return report.ExitInvalid, err
		}
	}
	return result.ExitCode, v.finish(result)
}

// provision gets what all modules are judged with. A kernel that has to be built is built now, and says how far it is.
func (v *vetting) provision(ctx context.Context) (err error) {
	if v.scenarios, err = Scan(filepath.Join(v.Root, "scenarios")); err != nil {
		return err
	}
	if v.cache, err = cache.Open(); err != nil {
		return err
	}
	var note string
	if v.flavors, note, err = kernel.ChooseFlavors(v.Flavors, v.Kernel); err != nil {
		return err
	}
	if note != "" {
		v.notes = append(v.notes, note)
	}
	v.kernels = map[string]*kernel.Kernel{}
	for _, flavor := range v.flavors {
		spec := kernel.Spec{Want: v.Kernel, Flavor: flavor, Cache: v.cache, Logf: report.Progress(v.Progress)}
		if v.kernels[flavor], err = kernel.Provision(ctx, spec); err != nil {
			hint := ""
			if flavor != kernel.Stock {
				hint = " (--flavors stock does without it)"
			}
			return fmt.Errorf("kernel of flavor %s%s: %w", flavor, hint, err)
		}
	}
	v.binary = filepath.Join(v.dir, "scenarios.test")
	return suite.Compile(ctx, v.Root, v.binary)
}

// environment tells the scenarios which kernel they run on.
func (v *vetting) environment(flavor string) []string {
	return []string{"KERNEL=" + v.Kernel, "FLAVOR=" + flavor}
}

// guests names the kernels.
func (v *vetting) guests() string {
	var names []string
	for _, flavor := range v.flavors {
		names = append(names, v.kernels[flavor].Release+" "+flavor)
	}
	return strings.Join(names, ", ")
}

// awake proves that the detectors are, and says first of all where one is not. The error is for what has nothing to do with them.
func (v *vetting) awake(ctx context.Context, r *Result) error {
	if v.NoCanaries {
		r.Notes = append(r.Notes, "the canaries were not shown (--canaries=false): whether every detector is awake is not known")
		return nil
	}
	shown, err := v.showCanaries(ctx)
	if err != nil {
		return err
	}
	r.Canaries = &shown
	if shown.Missed == "" {
		return nil
	}
	r.Invalid, r.ExitCode = "no verdict is valid: "+shown.Missed, report.ExitInvalid
	if v.JSON {
		v.progress("ERROR: %s", r.Invalid)
		return nil
	}
	return v.print("ERROR: " + r.Invalid + "\n\n")
}

// vet judges the i-th directory. Whatever goes wrong is in what it returns.
func (v *vetting) vet(ctx context.Context, i int, dir string) Module {
	began := time.Now()
	m := Module{Dir: dir, Role: v.As, Checks: []Check{}, Flaws: []Flaw{}}
	if len(v.Dirs) > 1 {
		v.progress("%d of %d: %s", i+1, len(v.Dirs), dir)
	}
	t := &trial{vetting: v, Module: &m, flaws: map[string]int{}}
	for _, flavor := range v.flavors {
		err := t.on(ctx, flavor, v.place(i, dir))
		if err != nil && m.Error == "" {
			if m.Error = err.Error(); flavor != v.flavors[0] {
				m.Error = "on " + flavor + ": " + m.Error
			}
			var detailed interface{ Detail() string }
			if errors.As(err, &detailed) {
				m.Detail = detailed.Detail()
			}
		}
		if ctx.Err() != nil || err != nil && t.stranger == nil {
			break // nobody knows what it is
		}
	}
	m.decide()
	m.Elapsed = time.Since(began)
	return m
}

// on judges the module on a flavor. The first tells who it is, for all.
func (t *trial) on(ctx context.Context, flavor, place string) error {
	id, err := t.identify(ctx, flavor)
	if err != nil {
		return err
	}
	if t.stranger == nil {
		t.stranger, t.Role = id.Stranger, id.Stranger.Role
		if t.run, err = report.Open(report.Config{
			Root: t.Root, Join: place, Command: t.again(t.Role, t.Dir, t.Match, t.flavors, nil),
		}); err != nil {
			return err
		}
		t.Evidence = t.run.Dir()
		t.subject = filepath.Join(t.run.Dir(), "subject.json")
		if err := t.stranger.Write(t.subject); err != nil {
			return err
		}
	}
	return t.judge(ctx, flavor)
}

// identify builds the module for a flavor, and on the first decides who is to be judged as what: the module's own part of the answer is
// kept.
func (t *trial) identify(ctx context.Context, flavor string) (foreign.Identity, error) {
	spec := foreign.Spec{
		Dir: t.Dir, Module: t.Spec.Module, As: t.Role, Params: t.Params, Port: t.Port, RootParam: t.RootParam, Claims: t.Claims,
		Kernel: t.kernels[flavor], Cache: t.cache,
	}
	if t.stranger != nil {
		spec.Module = t.stranger.Module
	}
	id, err := foreign.Identify(ctx, spec)
	if t.stranger == nil {
		t.Name, t.Why, t.Warnings = id.Name, id.Why, id.Warnings
	}
	return id, err
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
