package vet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ktcp/harness/kbuild"
	"ktcp/harness/subject"
)

// buildDeadline bounds a build in wall time: a makefile may do anything.
const buildDeadline = 5 * time.Minute

// prepare builds the module of a directory and decides who is to be judged as what. The module's own part of the answer is in m.
func (v *vetting) prepare(ctx context.Context, m *Module) (*subject.Stranger, error) {
	dir, err := filepath.Abs(m.Dir)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no directory %s", m.Dir)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no directory: name the one with the module's Makefile or Kbuild", m.Dir)
	}
	s := &subject.Stranger{
		Dir: dir, Root: reach(dir), Module: v.Module, Role: v.As,
		Params: v.Params, Port: v.Port, RootParam: v.RootParam, Claims: v.Claims,
	}
	candidates, err := v.candidates(ctx, s, m)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(candidates, v.As)
	if err != nil {
		return nil, err
	}
	m.Name, s.Module = chosen.Name, chosen.Name
	for _, w := range m.Warnings {
		if missing := undefined.FindStringSubmatch(w); missing != nil && strings.ReplaceAll(missing[2], "-", "_") == chosen.Name {
			return nil, fmt.Errorf("%s needs %s, which neither it nor the kernel %s has", chosen.Name, missing[1], v.kernel.Release)
		}
	}
	if s.Role == "" {
		if s.Role, m.Why = chosen.role(); s.Role == "" {
			return nil, fmt.Errorf("%s: what is it? %s: say --as %s, %s or %s",
				chosen.Name, m.Why, subject.Echo, subject.HTTP, subject.Web)
		}
	}
	m.Role = s.Role
	s.Claims = slices.Concat(v.Claims, chosen.claims())
	for _, p := range append(slices.Clone(s.Params), s.RootParam+"=") {
		if name, _, _ := strings.Cut(p, "="); name != "" && !slices.Contains(chosen.parameters, name) {
			return nil, fmt.Errorf("%s has no parameter %s (it has: %s)", chosen.Name, name, strings.Join(chosen.parameters, ", "))
		}
	}
	if s.RootParam == "" && !slices.Contains(chosen.parameters, subject.RootParameter) {
		s.RootParam = chosen.rootParameter()
	}
	return s, nil
}

// candidates builds everything that a directory makes, or only the module that is named.
func (v *vetting) candidates(ctx context.Context, s *subject.Stranger, m *Module) ([]traits, error) {
	ctx, cancel := context.WithTimeout(ctx, buildDeadline)
	defer cancel()
	build := func(name string) (traits, error) {
		b, err := kbuild.Build(ctx, kbuild.Spec{
			Dir: s.Dir, Root: s.Root, Name: name, Kernel: v.kernel, Cache: v.cache, Foreign: true,
		})
		if err != nil {
			return traits{}, err
		}
		m.Warnings = b.Warnings
		return readTraits(b.Name, b.KO)
	}
	one, err := build(s.Module)
	var several *kbuild.AmbiguousError
	switch {
	case err == nil:
		return []traits{one}, nil
	case errors.As(err, &several):
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("its build does not end within %v", buildDeadline)
	default:
		return nil, err
	}
	var all []traits
	for _, name := range several.Names {
		t, err := build(name)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// undefined matches modpost's warning about a symbol that nobody has, where a makefile made a warning of it.
var undefined = regexp.MustCompile(`^WARNING: modpost: "(\w+)" \[(?:.*/)?([^/]+)\.ko\] undefined!`)

// upward matches how far a makefile reaches out of its directory.
var upward = regexp.MustCompile(`(?:\.\./)+|/\.\.(?:/\.\.)*(?:[/)\s]|$)`)

// reach returns the directory that is to be copied for a build of dir: dir itself, or one above that its makefiles name.
func reach(dir string) string {
	levels := 0
	for _, name := range []string{"Kbuild", "Makefile"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		for _, up := range upward.FindAllString(string(text), -1) {
			levels = max(levels, strings.Count(up, ".."))
		}
	}
	const most = 3
	for range min(levels, most) {
		dir = filepath.Dir(dir)
	}
	return dir
}
