package report

import (
	"fmt"
	"slices"
	"strings"
)

// Headline returns the run's verdict in one line, which starts with it: "pass: 14 scenarios, nothing found".
func (r *Run) Headline() string {
	n := r.count()
	v := r.Verdict()
	switch {
	case len(r.Errors) > 0:
		return fmt.Sprintf("%s: the run is not valid: %s", v, oneLine(r.Errors[0]))
	case r.Missed() != "":
		return fmt.Sprintf("%s: the run is not valid: a detector missed its canary: %s", v, r.Missed())
	case len(r.Scenarios) == 0:
		return fmt.Sprintf("%s: nothing ran", v)
	case n.of[Error]+n.of[Unfinished] > 0:
		return fmt.Sprintf("%s: %d of %s not judged%s", v, n.of[Error]+n.of[Unfinished], plural(len(r.Scenarios), "scenario"), r.found(n, "; "))
	case v == Fail:
		return fmt.Sprintf("%s: %d of %s failed%s", v, n.of[Fail], plural(len(r.Scenarios), "scenario"), r.found(n, ", "))
	case v == Error && n.of[NotOffered] == len(r.Scenarios):
		return fmt.Sprintf("%s: the module offers nothing that %s are about: nothing was judged", v, plural(len(r.Scenarios), "scenario"))
	case v == Error:
		return fmt.Sprintf("%s: %s, all skipped: nothing was judged", v, plural(len(r.Scenarios), "scenario"))
	case n.of[Pass]+n.of[Unchanged] == 0:
		return fmt.Sprintf("%s: every detector saw its canaries, and no scenario ran", v)
	default:
		return fmt.Sprintf("%s: %s, nothing found%s%s", v, plural(n.of[Pass]+n.of[Unchanged], "scenario"), n.unchanged(), r.left())
	}
}

// unchanged returns how many scenarios were not run again, or nothing where all were.
func (n counts) unchanged() string {
	if n.of[Unchanged] == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of them unchanged since they passed and not run again", n.of[Unchanged])
}

// left returns how many scenarios no kernel of the run was right for, or nothing when each was judged on one at least: what was not
// judged is nowhere passed over.
func (r *Run) left() string {
	judged := map[string]bool{}
	for _, s := range r.Scenarios {
		judged[s.Name] = judged[s.Name] || s.Verdict != Skip
	}
	n := 0
	for _, s := range r.Scenarios {
		if !judged[s.Name] {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d skipped", n)
}

// found returns how many findings there are, or nothing when there are none.
func (r *Run) found(n counts, before string) string {
	if n.findings == 0 {
		return ""
	}
	return before + plural(n.findings, "finding")
}

// plural returns "1 scenario" or "3 scenarios".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// oneLine returns the first line of text.
func oneLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return first
}

// totals returns how many scenarios ended how: "12 pass, 1 FAIL, 1 skip".
func (r *Run) totals() string {
	n := r.count()
	var parts []string
	for _, v := range []Verdict{Pass, Unchanged, Fail, Error, Unfinished, NotOffered, Skip} {
		if n.of[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.of[v], v))
		}
	}
	return strings.Join(parts, ", ")
}

// canaries says how many were shown and seen, on which flavors: "14 on stock and 21 on kasan". It is empty when none were.
func (r *Run) canaries() string {
	seen := map[string]int{}
	var order []string
	for _, s := range r.Scenarios {
		if s.Canaries == 0 || s.Verdict != Pass {
			continue
		}
		f := s.flavor()
		if seen[f] == 0 {
			order = append(order, f)
		}
		seen[f] += s.Canaries
	}
	var parts []string
	for _, f := range order {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d on %s", seen[f], f)))
	}
	return strings.Join(parts, ", ")
}

// flavor returns the flavor of the kernel that the scenario ran on, or "" where it had no guest.
func (s Scenario) flavor() string {
	if s.Passed != nil {
		return s.Passed.Flavor
	}
	if len(s.Guests) == 0 {
		return ""
	}
	return s.Guests[0].Flavor
}

// guests returns what the scenarios ran on, each combination once: "6.1.0-56-cloud-amd64 stock, tcg, real time, clone".
func (r *Run) guests() []string {
	var all []string
	for _, s := range r.Scenarios {
		for _, g := range s.Guests {
			text := g.String()
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	slices.Sort(all)
	return all
}

// String returns the guest's description without its name.
func (g Guest) String() string {
	var parts []string
	for _, p := range []string{strings.TrimSpace(g.Kernel + " " + g.Flavor), g.Accelerator, g.Clock, g.Start} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}
