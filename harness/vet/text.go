package vet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"ktcp/harness/finding"
	"ktcp/harness/report"
)

// moduleText is the report about one module.
func (v *vetting) moduleText(m Module) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", m.Dir, m.headline(v.flavors))
	if m.Why != "" && m.Role != "" {
		fmt.Fprintf(&b, "  judged as %s: %s (--as says otherwise)\n", m.Role, m.Why)
	}
	if m.Verdict == report.Error && m.Detail != "" {
		b.WriteString("    " + strings.ReplaceAll(strings.TrimRight(m.Detail, "\n"), "\n", "\n    ") + "\n")
	}
	for i, f := range m.Flaws {
		b.WriteString("\n" + v.flawText(i+1, f))
	}
	if len(m.Flaws) > 0 && m.Error != "" {
		fmt.Fprintf(&b, "\n  not everything could be judged: %s\n", firstLine(m.Error))
	}
	if len(m.Checks) > 0 {
		b.WriteString("\n" + m.checksText(v.flavors))
	}
	if len(m.NotOffered) > 0 {
		fmt.Fprintf(&b, "  not offered: %s\n", strings.Join(m.NotOffered, ", "))
	}
	for _, w := range m.Warnings {
		fmt.Fprintf(&b, "  compiler: %s\n", w)
	}
	if m.Evidence != "" {
		fmt.Fprintf(&b, "  evidence: %s\n", report.Shown(v.Root, m.Evidence))
	}
	return b.String() + "\n"
}

// headline is the verdict on a module in one line.
func (m Module) headline(flavors []string) string {
	on := ""
	if len(flavors) > 1 {
		on = " on " + strings.Join(flavors, " and ")
	}
	switch m.Verdict {
	case report.Pass:
		return fmt.Sprintf("pass: %s as %s, %s%s, nothing found", m.Name, m.Role, plural(m.count(report.Pass), "scenario"), on)
	case report.Fail:
		return fmt.Sprintf("FAIL: %s as %s, %s in %d of %s%s", m.Name, m.Role,
			plural(len(m.Flaws), "flaw"), m.count(report.Fail), plural(m.count(""), "scenario"), on)
	}
	return "could not be judged: " + firstLine(m.Error)
}

// count returns how many scenarios ended so on any flavor; "" is how many there are.
func (m Module) count(verdict report.Verdict) int {
	names := map[string]bool{}
	for _, c := range m.Checks {
		if verdict == "" || c.Verdict == verdict {
			names[c.Scenario] = true
		}
	}
	return len(names)
}

// flawText is one flaw: what, when, and how to see it again.
func (v *vetting) flawText(number int, f Flaw) string {
	var b strings.Builder
	mark := fmt.Sprintf("%3d. ", number)
	rest := strings.Repeat(" ", len(mark))
	text := strings.Join(f.Messages, "\n")
	if f.Finding != nil {
		text = strings.TrimRight(finding.Text(*f.Finding), "\n")
	} else if text == "" {
		text = "the scenario's own expectation was not met"
	}
	b.WriteString(mark + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+rest) + "\n")
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s%-10s %s\n", rest, name, text)
		}
	}
	line("when", f.About)
	line("clients", f.Story)
	if more := len(f.Scenarios) - 1; more > 0 {
		line("seen in", fmt.Sprintf("%s and %d more", f.Scenarios[0], more))
	} else {
		line("seen in", f.Scenarios[0])
	}
	if len(f.Flavors) < len(v.flavors) {
		line("on", strings.Join(f.Flavors, ", ")+" only")
	}
	line("again", f.Reproduce)
	return b.String()
}

// checksText lists what was checked, by how it went, and on which flavors where that was not the same on all.
func (m Module) checksText(flavors []string) string {
	went := map[string]map[report.Verdict][]string{} // scenario → verdict → flavors
	for _, c := range m.Checks {
		name := strings.TrimPrefix(c.Scenario, "Test")
		if went[name] == nil {
			went[name] = map[report.Verdict][]string{}
		}
		went[name][c.Verdict] = with(went[name][c.Verdict], c.Flavor)
	}
	var b strings.Builder
	for _, verdict := range []report.Verdict{report.Pass, report.Fail, report.NotOffered, report.Error, report.Unfinished} {
		var names []string
		for name, by := range went {
			on := by[verdict]
			switch {
			case len(on) == 0:
			case len(on) < len(flavors) && verdict != report.NotOffered: // which has nothing to do with the kernel
				names = append(names, name+" ("+strings.Join(on, ", ")+")")
			default:
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(&b, "  %s (%d): %s\n", verdict, len(names), wrap(strings.Join(names, ", "), "    "))
		}
	}
	return b.String() + m.skipsText()
}

// skipsText lists what ran on no flavor, by the reason.
func (m Module) skipsText() string {
	ran := map[string]bool{}
	for _, c := range m.Checks {
		ran[c.Scenario] = ran[c.Scenario] || c.Verdict != report.Skip
	}
	why := map[string][]string{} // reason → scenarios
	for _, c := range m.Checks {
		if !ran[c.Scenario] {
			why[c.Skipped] = with(why[c.Skipped], strings.TrimPrefix(c.Scenario, "Test"))
		}
	}
	var b strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		names := slices.Sorted(slices.Values(why[reason]))
		text := fmt.Sprintf("%s, because: %s", strings.Join(names, ", "), reason)
		fmt.Fprintf(&b, "  %s (%d): %s\n", report.Skip, len(names), wrap(text, "    "))
	}
	return b.String()
}

// summaryText is the end of the report: a table where there are several modules, and what concerns all.
func (v *vetting) summaryText(r Result) string {
	var b strings.Builder
	if len(r.Modules) > 1 {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "directory\tas\tverdict\tflaws\tscenarios\ttime\tworst")
		for _, m := range r.Modules {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%.0f s\t%s\n", m.Dir, orDash(string(m.Role)), m.Verdict,
				len(m.Flaws), m.count(""), m.Elapsed.Seconds(), clip(m.worst()))
		}
		_ = w.Flush() // into memory
		b.WriteString("\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note      %s\n", n)
	}
	if r.Canaries != nil {
		var seen []string
		for _, flavor := range r.Flavors {
			seen = append(seen, fmt.Sprintf("%d on %s", r.Canaries.Seen[flavor], flavor))
		}
		fmt.Fprintf(&b, "canaries  seen: %s\n", strings.Join(seen, " and "))
	}
	fmt.Fprintf(&b, "guest     %s\nevidence  %s\n", strings.TrimSpace(r.Guest), report.Shown(v.Root, v.dir))
	return b.String()
}

// wrap breaks text at spaces into lines of at most 100 columns.
func wrap(text, indent string) string {
	const width = 92
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		if i > 0 {
			if column+len(word) >= width {
				b.WriteString("\n" + indent)
				column = 0
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(word)
		column += len(word) + 1
	}
	return b.String()
}

func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
