package vet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"ktcp/harness/finding"
	"ktcp/harness/report"
	"ktcp/harness/subject"
	"ktcp/harness/suite"
)

// judgeDeadline bounds all scenarios of one module on one flavor in wall time.
const judgeDeadline = time.Hour

// trial is a module that is being judged, on one flavor after the other.
type trial struct {
	*vetting
	*Module
	stranger *subject.Stranger
	run      *report.Recorder
	subject  string         // the file that tells the scenarios whom they judge
	known    map[string]int // records that were there before the flavor's process
	flaws    map[string]int // what tells a flaw from others → its place
}

// judge holds a module to the scenarios that apply, on a flavor, in a process of its own.
func (t *trial) judge(ctx context.Context, flavor string) error {
	apply := t.apply(t.Role)
	if len(apply) == 0 {
		return fmt.Errorf("no scenario for %s matches %q", t.Role, t.Match)
	}
	// What the module does not offer it offers on no kernel.
	apply = slices.DeleteFunc(apply, func(s Scenario) bool { return t.offersNothingOf(s.Name) })
	if len(apply) == 0 {
		return nil
	}
	said, testErr := t.runTests(ctx, flavor, apply)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted; what was found so far is in %s", t.run.Dir())
	}
	whole, err := report.Load(t.run.Dir())
	if err != nil {
		return err
	}
	fresh := t.fresh(whole)
	verdicts := t.conclude(flavor, fresh)
	switch {
	case len(fresh) == 0:
		t.Detail = said
		return fmt.Errorf("no scenario ran: %w", testErr)
	case testErr != nil && !slices.ContainsFunc(verdicts, func(v report.Verdict) bool { return !harmless(v) }):
		t.Detail = said
		return fmt.Errorf("the scenarios' process failed although every record passes: %w", testErr)
	case len(whole.Errors) > 0:
		return errors.New(whole.Errors[0])
	}
	return nil
}

// offersNothingOf reports whether a scenario was tried, and all of it is about what the module does not offer.
func (m *Module) offersNothingOf(scenario string) bool {
	tried := false
	for _, c := range m.Checks {
		if name, _, _ := strings.Cut(c.Scenario, "/"); name == scenario {
			if c.Verdict != report.NotOffered {
				return false
			}
			tried = true
		}
	}
	return tried
}

// harmless reports whether there is nothing to complain about.
func harmless(v report.Verdict) bool {
	return v == report.Pass || v == report.Skip || v == report.NotOffered
}

// fresh returns the records that were not there before.
func (t *trial) fresh(run *report.Run) (fresh []report.Scenario) {
	seen := map[string]int{}
	for _, s := range run.Scenarios {
		key := fmt.Sprint(s.Name, s.Started, s.PID)
		if seen[key]++; seen[key] > t.known[key] {
			fresh = append(fresh, s)
		}
	}
	t.known = seen
	return fresh
}

// apply returns the scenarios that a module of a role is held to.
func (v *vetting) apply(role subject.Role) []Scenario {
	match := regexp.MustCompile(v.Match) // validated
	var apply []Scenario
	for _, s := range v.scenarios {
		if slices.Contains(s.Roles, role) && match.MatchString(s.Name) {
			apply = append(apply, s)
		}
	}
	return apply
}

// runTests runs the scenarios and returns the last of what their process said.
func (t *trial) runTests(ctx context.Context, flavor string, apply []Scenario) (said string, err error) {
	var names []string
	for _, s := range apply {
		names = append(names, s.Name)
	}
	shown := t.Dir
	if len(t.flavors) > 1 {
		shown += " on " + flavor
	}
	err = suite.Process{
		Root: t.Root, Binary: t.binary,
		Args: []string{"-test.v", "-test.run", "^(" + strings.Join(names, "|") + ")$", "-test.timeout", judgeDeadline.String()},
		Env:  append(t.environment(flavor), t.run.Env(), subject.Variable+"="+t.subject),
		Hear: func(out io.Reader) { said = t.follow(out, shown, len(apply)) },
	}.Run(ctx)
	return said, err
}

// ended matches the line that go test prints when a test has ended; those of subtests are indented.
var ended = regexp.MustCompile(`^--- (?:PASS|FAIL|SKIP): `)

// follow counts the scenarios that have ended and returns the last of what was said.
func (v *vetting) follow(out io.Reader, shown string, all int) string {
	const last = 40
	var lines []string
	done := 0
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if ended.MatchString(line) {
			done++
			v.progress("%s: %d of %d scenarios", shown, done, all)
		}
		if lines = append(lines, line); len(lines) > last {
			lines = lines[1:]
		}
	}
	return strings.Join(lines, "\n")
}

// conclude reads from a flavor's records what came of the module on it, and returns their verdicts.
func (t *trial) conclude(flavor string, records []report.Scenario) (verdicts []report.Verdict) {
	about := map[string]string{}
	for _, s := range t.scenarios {
		about[s.Name] = s.Story
	}
	for _, r := range records {
		verdicts = append(verdicts, r.Verdict)
		test, _, _ := strings.Cut(r.Name, "/")
		t.Checks = append(t.Checks, Check{
			Scenario: r.Name, Flavor: flavor, About: about[test], Verdict: r.Verdict, Error: r.Error, NotOffered: r.NotOffered,
			Skipped: r.Skipped, Elapsed: r.Duration,
		})
		for _, f := range r.NotOffered {
			t.NotOffered = with(t.NotOffered, f)
		}
		flaw := Flaw{
			Flavors: []string{flavor}, Scenarios: []string{r.Name}, About: about[test], Story: r.Story,
			Reproduce: t.again(t.Role, t.Dir, "^"+test+"$", []string{flavor}, r.Again),
		}
		own := false // an oracle has seen what is wrong
		for _, f := range r.Findings {
			if f.Infrastructure() {
				continue
			}
			own = true
			seen := flaw
			seen.Finding = &f
			t.note(seen, f.Fingerprint)
		}
		if r.Failed && !own && r.Error == "" && r.Verdict != report.Error {
			flaw.Messages = r.Messages
			// The same words of the same scenario on another kernel are the same flaw, whatever the numbers in them.
			t.note(flaw, r.Name+"\x00"+numbers.ReplaceAllString(strings.Join(r.Messages, "\n"), "N"))
		}
	}
	return verdicts
}

// numbers matches what differs from one sighting of a flaw to the next.
var numbers = regexp.MustCompile(`0x[0-9a-f]+|\d+(?:\.\d+)?`)

// note keeps a flaw, or adds a further sighting to one that has the same key.
func (t *trial) note(f Flaw, key string) {
	i, seen := t.flaws[key]
	if !seen {
		i = slices.IndexFunc(t.Flaws, func(have Flaw) bool { return otherSize(have, f) })
		seen = i >= 0
	}
	if !seen {
		t.flaws[key] = len(t.Flaws)
		t.Flaws = append(t.Flaws, f)
		return
	}
	t.Flaws[i].sight(f)
}

// sizes matches the name of a cache for objects of a size. The same object has another size on a kernel that checks all that it does.
var sizes = regexp.MustCompile(`^kmalloc-(?:[a-z]+-)*\d+k?$`)

// otherSize reports whether two flaws are memory of one place that is not of one size, on two kernels.
func otherSize(have, f Flaw) bool {
	if have.Finding == nil || f.Finding == nil || slices.Contains(have.Flavors, f.Flavors[0]) {
		return false
	}
	a, b := *have.Finding, *f.Finding
	if a.Kind != b.Kind || !sizes.MatchString(a.Class) || !sizes.MatchString(b.Class) {
		return false
	}
	a.Class, b.Class = "", ""
	return finding.Fingerprint(a) == finding.Fingerprint(b)
}

// sight notes where else a flaw was seen.
func (f *Flaw) sight(again Flaw) {
	for _, flavor := range again.Flavors {
		f.Flavors = with(f.Flavors, flavor)
	}
	for _, scenario := range again.Scenarios {
		f.Scenarios = with(f.Scenarios, scenario)
	}
}

// with returns a list with text in it, once.
func with(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// decide sets the verdict when all flavors have been tried. A flaw is a flaw, also where something else could not be judged.
func (m *Module) decide() {
	slices.SortStableFunc(m.Flaws, func(a, b Flaw) int { return weight(a) - weight(b) })
	m.Flaws = oncePerPlace(m.Flaws)
	judged := 0
	for _, c := range m.Checks {
		switch c.Verdict {
		case report.Pass, report.Fail:
			judged++
		case report.Error, report.Unfinished:
			if m.Error == "" {
				if m.Error = c.Error; m.Error == "" {
					m.Error = c.Scenario + " could not be judged"
				}
				m.Error += " (on " + c.Flavor + ")"
			}
		}
	}
	if m.Error == "" && judged == 0 {
		m.Error = "no scenario could be held against it"
	}
	switch {
	case len(m.Flaws) > 0:
		m.Verdict = report.Fail
	case m.Error != "":
		m.Verdict = report.Error
	default:
		m.Verdict = report.Pass
	}
}

// oncePerPlace folds what grows into a leak of the same place: memory that is never freed at all is one flaw. The flaws are sorted.
func oncePerPlace(flaws []Flaw) []Flaw {
	kept := []Flaw{}
	leaks := map[finding.Location]int{}
	for _, f := range flaws {
		if f.Finding == nil || f.Finding.Location == nil {
			kept = append(kept, f)
			continue
		}
		leak, known := leaks[*f.Finding.Location]
		switch {
		case known && f.Finding.Kind == finding.Growth:
			kept[leak].sight(f)
			continue
		case !known && f.Finding.Kind == finding.Leak:
			leaks[*f.Finding.Location] = len(kept)
		}
		kept = append(kept, f)
	}
	return kept
}

// worst returns the heading of the worst flaw.
func (m Module) worst() string {
	switch {
	case len(m.Flaws) == 0:
		first, _, _ := strings.Cut(m.Error, "\n")
		return first
	case m.Flaws[0].Finding != nil:
		f := *m.Flaws[0].Finding
		if l := f.Location; l != nil && l.File != "" {
			return fmt.Sprintf("%s %s", f.Kind, &finding.Location{File: l.File, Line: l.Line})
		}
		return string(f.Kind) + " " + f.Title
	case len(m.Flaws[0].Messages) > 0:
		first, _, _ := strings.Cut(m.Flaws[0].Messages[0], "\n")
		return first
	}
	return m.Flaws[0].Scenarios[0]
}
