package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ktcp/harness/finding"
)

// row is one line of the verdict table: a scenario, or all its repetitions (-count) that ended alike.
type row struct {
	name    string
	flavor  string // of the kernel; "" where the run has but one
	verdict Verdict
	longest time.Duration
	what    string
	times   int
}

// rows returns the lines of the table, in order of each one's first scenario.
func rows(run *Run) []*row {
	var all []*row
	at := map[string]*row{}
	several := len(run.flavors()) > 1
	for _, s := range run.Scenarios {
		if s.Canaries > 0 && s.Verdict == Pass {
			continue // the footer counts them
		}
		what, flavor := summary(s), ""
		if several {
			flavor = s.flavor()
		}
		key := fmt.Sprintf("%s\x00%s\x00%s\x00%s", s.Name, s.Verdict, flavor, what)
		r := at[key]
		if r == nil {
			r = &row{name: s.Name, flavor: flavor, verdict: s.Verdict, what: what}
			at[key] = r
			all = append(all, r)
		}
		r.times++
		r.longest = max(r.longest, s.Duration)
	}
	for _, r := range all {
		if r.times > 1 {
			r.name += fmt.Sprintf(" (%d times)", r.times)
		}
	}
	return all
}

// flavors returns the flavors of the kernels that the run used.
func (r *Run) flavors() []string {
	var all []string
	for _, s := range r.Scenarios {
		if f := s.flavor(); f != "" && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// summary returns the last column of a scenario: its first finding and how many more there are, or else why there is
// none.
func summary(s Scenario) string {
	switch {
	case len(s.Findings) > 0:
		text := brief(s.Findings[0])
		if more := len(s.Findings) - 1; more > 0 {
			text += fmt.Sprintf(" (+%d more)", more)
		}
		return text
	case s.Error != "":
		return oneLine(s.Error)
	case s.Verdict == Unfinished:
		return "did not finish"
	case len(s.Messages) > 0:
		return oneLine(s.Messages[0])
	case s.Verdict == Fail:
		return "the scenario's own check: see the output of the test"
	case s.Passed != nil:
		return "passed " + s.Passed.When.Format("2 Jan 15:04")
	case s.Verdict == NotOffered, s.Verdict == Pass && len(s.NotOffered) > 0:
		return "not offered: " + strings.Join(s.NotOffered, ", ")
	default:
		return oneLine(s.Skipped)
	}
}

// brief returns a finding in a few words: its kind and the place, or the title where no place is known.
func brief(f finding.Finding) string {
	if l := f.Location; l != nil && l.File != "" {
		at := finding.Location{File: l.File, Line: l.Line}
		return string(f.Kind) + " " + at.String()
	}
	return string(f.Kind) + " " + f.Title
}

// Widths of the table's fixed columns and the space between columns.
const (
	gap      = 2
	minWhat  = 20 // the last column gets at least this much
	timeWide = 8
)

// table renders the scenarios.
func table(run *Run, o TextOptions) string {
	all := rows(run)
	nameWide, verdictWide, flavorWide := len("scenario"), len("verdict"), 0
	for _, r := range all {
		nameWide = max(nameWide, utf8.RuneCountInString(r.name))
		verdictWide = max(verdictWide, len(r.verdict))
		if r.flavor != "" {
			flavorWide = max(flavorWide, len("flavor"), len(r.flavor))
		}
	}
	fixed := verdictWide + timeWide + 3*gap
	if flavorWide > 0 {
		fixed += flavorWide + gap
	}
	nameWide = min(nameWide, max(o.Width-fixed-minWhat, minWhat))
	whatWide := max(o.Width-fixed-nameWide, minWhat)

	var b strings.Builder
	space := strings.Repeat(" ", gap)
	line := func(name, flavor, verdict, elapsed, what string) {
		text := pad(name, nameWide) + space
		if flavorWide > 0 {
			text += pad(flavor, flavorWide) + space
		}
		text += verdict + space + fmt.Sprintf("%*s", timeWide, elapsed) + space + clip(what, whatWide)
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line("scenario", "flavor", pad("verdict", verdictWide), "time", "findings")
	for _, r := range all {
		line(clip(r.name, nameWide), r.flavor, o.paint(r.verdict, pad(string(r.verdict), verdictWide)), seconds(r.longest), r.what)
	}
	return b.String()
}
