package vet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ktcp/harness/finding"
	"ktcp/harness/report"
	"ktcp/harness/subject"
	"ktcp/harness/suite"
)

// judgeDeadline bounds all scenarios of one module in wall time.
const judgeDeadline = 30 * time.Minute

// judge holds a module to the scenarios that apply, in a process of its own.
func (v *vetting) judge(ctx context.Context, m *Module, s *subject.Stranger, dir string) error {
	apply := v.apply(s.Role)
	if len(apply) == 0 {
		return fmt.Errorf("no scenario for %s matches %q", s.Role, v.Match)
	}
	run, err := report.Open(report.Config{Root: v.Root, Join: dir, Command: v.reproduce(s.Role, "", m.Dir)})
	if err != nil {
		return err
	}
	m.Evidence = run.Dir()
	file := filepath.Join(run.Dir(), "subject.json")
	if err := s.Write(file); err != nil {
		return err
	}
	said, testErr := v.runTests(ctx, m.Dir, apply, run, file)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted; what was found so far is in %s", run.Dir())
	}
	whole, err := report.Load(run.Dir())
	if err != nil {
		return err
	}
	v.conclude(m, s, whole)
	if len(m.Checks) == 0 {
		m.Detail = said
		return fmt.Errorf("no scenario ran: %w", testErr)
	}
	if testErr != nil && m.Verdict == report.Pass {
		m.Detail = said
		return fmt.Errorf("the scenarios' process failed although every record passes: %w", testErr)
	}
	return nil
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
func (v *vetting) runTests(ctx context.Context, shown string, apply []Scenario, run *report.Recorder, subjectFile string) (said string, err error) {
	var names []string
	for _, s := range apply {
		names = append(names, s.Name)
	}
	err = suite.Process{
		Root: v.Root, Binary: v.binary,
		Args: []string{"-test.v", "-test.run", "^(" + strings.Join(names, "|") + ")$", "-test.timeout", judgeDeadline.String()},
		Env:  []string{run.Env(), subject.Variable + "=" + subjectFile},
		Hear: func(out io.Reader) { said = v.follow(out, shown, len(apply)) },
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

// conclude reads from the records what came of a module.
func (v *vetting) conclude(m *Module, s *subject.Stranger, run *report.Run) {
	about := map[string]string{}
	for _, s := range v.scenarios {
		about[s.Name] = s.Story
	}
	at := map[string]int{} // fingerprint → flaw
	for _, r := range run.Scenarios {
		test, _, _ := strings.Cut(r.Name, "/")
		m.Checks = append(m.Checks, Check{
			Scenario: r.Name, About: about[test], Verdict: r.Verdict, Error: r.Error, NotOffered: r.NotOffered, Elapsed: r.Duration,
		})
		for _, f := range r.NotOffered {
			if !slices.Contains(m.NotOffered, f) {
				m.NotOffered = append(m.NotOffered, f)
			}
		}
		first := Flaw{
			Scenarios: []string{r.Name}, About: about[test], Story: r.Story,
			Reproduce: v.reproduce(s.Role, "^"+test+"$", m.Dir),
		}
		own := false // an oracle has seen what is wrong
		for _, f := range r.Findings {
			if f.Infrastructure() {
				continue
			}
			own = true
			if i, seen := at[f.Fingerprint]; seen {
				m.Flaws[i].Scenarios = append(m.Flaws[i].Scenarios, r.Name)
				continue
			}
			flaw := first
			flaw.Finding = &f
			at[f.Fingerprint] = len(m.Flaws)
			m.Flaws = append(m.Flaws, flaw)
		}
		if r.Failed && !own && r.Error == "" && r.Verdict != report.Error {
			first.Messages = r.Messages
			m.Flaws = append(m.Flaws, first)
		}
	}
	slices.SortStableFunc(m.Flaws, func(a, b Flaw) int { return weight(a) - weight(b) })
	m.decide(run)
}

// decide sets the verdict. A flaw is a flaw, also where something else could not be judged.
func (m *Module) decide(run *report.Run) {
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
			}
		}
	}
	if m.Error == "" && len(run.Errors) > 0 {
		m.Error = run.Errors[0]
	}
	switch {
	case len(m.Flaws) > 0:
		m.Verdict = report.Fail
	case m.Error != "" || judged == 0:
		m.Verdict = report.Error
	default:
		m.Verdict = report.Pass
	}
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
