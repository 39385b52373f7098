package foreign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ktcp/harness/cache"
	"ktcp/harness/kbuild"
	"ktcp/harness/kernel"
	"ktcp/harness/subject"
)

// buildDeadline bounds a build in wall time: a makefile may do anything.
const buildDeadline = 5 * time.Minute

// Spec says which directory, and what is known about it.
type Spec struct {
	Dir       string // as the user named it
	Module    string // which one, where the directory makes several
	As        subject.Role
	Params    []string // for every insmod, as "port=80"
	Port      int      // where the module listens; 0 is its role's port, or wherever it is found to listen
	RootParam string   // what it calls WWWROOT
	Claims    []subject.Feature
	Kernel    *kernel.Kernel
	Cache     *cache.Dir
}

// Identity is who a directory's module is. Of one that could not be told, it holds what is known.
type Identity struct {
	Stranger *subject.Stranger // nil where it could not be told
	Name     string            // of the module, as the kernel spells it
	Why      string            // it plays its role, where that was found out
	Warnings []string          // of its build
}

// Identify builds the module of a directory and decides who is to be judged as what.
func Identify(ctx context.Context, spec Spec) (Identity, error) {
	var id Identity
	dir, err := filepath.Abs(spec.Dir)
	if err != nil {
		return id, err
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist):
		return id, fmt.Errorf("there is no directory %s", spec.Dir)
	case err != nil:
		return id, err
	case !info.IsDir():
		return id, fmt.Errorf("%s is no directory: name the one with the module's Makefile or Kbuild", spec.Dir)
	}
	s := &subject.Stranger{
		Dir: dir, Root: reach(dir), Module: spec.Module, Role: spec.As,
		Params: spec.Params, Port: spec.Port, RootParam: spec.RootParam, Claims: spec.Claims,
	}
	candidates, err := spec.candidates(ctx, s.Root, &id)
	if s.Root != dir && (errors.Is(err, kbuild.ErrTooLarge) || errors.Is(err, fs.ErrPermission)) {
		s.Root = dir // what its makefile was thought to reach for is no source of a module
		candidates, err = spec.candidates(ctx, s.Root, &id)
	}
	if err != nil {
		return id, err
	}
	chosen, err := choose(candidates, spec.As)
	if err != nil {
		return id, err
	}
	id.Name, s.Module = chosen.Name, chosen.Name
	for _, w := range id.Warnings {
		if missing := undefined.FindStringSubmatch(w); missing != nil && strings.ReplaceAll(missing[2], "-", "_") == chosen.Name {
			return id, fmt.Errorf("%s needs %s, which neither it nor the kernel %s has", chosen.Name, missing[1], spec.Kernel.Release)
		}
	}
	if s.Role == "" {
		if s.Role, id.Why = chosen.role(); s.Role == "" {
			return id, fmt.Errorf("%s: what is it? %s: say --as %s, %s or %s",
				chosen.Name, id.Why, subject.Echo, subject.HTTP, subject.Web)
		}
	}
	s.Claims = slices.Concat(spec.Claims, chosen.claims())
	for _, p := range append(slices.Clone(s.Params), s.RootParam+"=") {
		if name, _, _ := strings.Cut(p, "="); name != "" && !slices.Contains(chosen.parameters, name) {
			return id, fmt.Errorf("%s has no parameter %s (it has: %s)", chosen.Name, name, strings.Join(chosen.parameters, ", "))
		}
	}
	if s.RootParam == "" && !slices.Contains(chosen.parameters, subject.RootParameter) {
		s.RootParam = chosen.rootParameter()
	}
	id.Stranger = s
	return id, nil
}

// candidates builds everything that a directory makes, or only the module that is named.
func (s Spec) candidates(ctx context.Context, root string, id *Identity) ([]traits, error) {
	ctx, cancel := context.WithTimeout(ctx, buildDeadline)
	defer cancel()
	build := func(name string) (traits, error) {
		b, err := kbuild.Build(ctx, kbuild.Spec{
			Dir: s.Dir, Root: root, Name: name, Kernel: s.Kernel, Cache: s.Cache, Foreign: true,
		})
		if err != nil {
			return traits{}, err
		}
		id.Warnings = b.Warnings
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

// comment matches a makefile's comment, to the end of its line.
var comment = regexp.MustCompile(`(?m)(?:^|\s)#.*$`)

// reach returns the directory that is to be copied for a build of dir: dir itself, or one above that its makefiles name.
func reach(dir string) string {
	levels := 0
	for _, name := range []string{"Kbuild", "Makefile"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		for _, up := range upward.FindAllString(comment.ReplaceAllString(string(text), ""), -1) {
			levels = max(levels, strings.Count(up, ".."))
		}
	}
	const most = 3
	for range min(levels, most) {
		dir = filepath.Dir(dir)
	}
	return dir
}
