package report

import (
	"fmt"
	"html"
	"strings"

	"ktcp/harness/finding"
)

// KTAP renders the run in the kernel's own test format: one line a scenario, its findings as diagnostics.
func KTAP(run *Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "KTAP version 1\n1..%d\n", len(run.Scenarios))
	for i, s := range run.Scenarios {
		for _, l := range complaints(s) {
			b.WriteString("# " + strings.ReplaceAll(l, "\n", "\n# ") + "\n")
		}
		result, directive := "not ok", ""
		switch s.Verdict {
		case Pass:
			result = "ok"
		case Skip, Unchanged:
			result, directive = "ok", " # SKIP "+oneLine(s.Skipped)
		case NotOffered:
			result, directive = "ok", " # SKIP not offered: "+oneLine(strings.Join(s.NotOffered, ", "))
		case Unfinished:
			directive = " # TIMEOUT"
		}
		// A # would begin a directive.
		fmt.Fprintf(&b, "%s %d %s%s\n", result, i+1, strings.ReplaceAll(s.Name, "#", "_"), directive)
	}
	return b.String()
}

// complaints returns everything that there is to say against a scenario, a line or more each.
func complaints(s Scenario) []string {
	var all []string
	if s.Verdict == Unfinished {
		all = append(all, "did not finish: its process died or was killed")
	}
	if s.Error != "" {
		all = append(all, s.Error)
	}
	all = append(all, s.Messages...)
	for _, f := range s.Findings {
		all = append(all, finding.Heading(f))
	}
	if len(all) == 0 && !s.Verdict.harmless() {
		all = append(all, "failed without a finding: see the output of the test")
	}
	return all
}

// GitHub renders the run as workflow commands, which GitHub shows beside the lines of source. Source maps a
// finding's file to a path below the repository's root, or returns "" where there is none; nil maps nothing.
func GitHub(run *Run, source func(file string) string) string {
	var b strings.Builder
	for _, e := range run.Errors {
		fmt.Fprintf(&b, "::error title=%s::%s\n", escapeProperty("ktcp"), escapeMessage(e))
	}
	if len(run.Scenarios) == 0 {
		b.WriteString("::error title=ktcp::nothing ran\n")
	}
	for _, s := range run.Scenarios {
		if s.Verdict.harmless() {
			continue
		}
		rest := s
		rest.Findings = nil
		if len(s.Findings) == 0 || s.Error != "" || len(s.Messages) > 0 {
			fmt.Fprintf(&b, "::error title=%s::%s\n", escapeProperty(s.Name), escapeMessage(strings.Join(complaints(rest), "\n")))
		}
		for _, f := range s.Findings {
			fmt.Fprintf(&b, "::error %stitle=%s::%s\n", place(f, source),
				escapeProperty(string(f.Kind)+" in "+s.Name), escapeMessage(strings.TrimRight(finding.Text(f), "\n")))
		}
	}
	return b.String()
}

// place returns the properties that tie an annotation to a line.
func place(f finding.Finding, source func(string) string) string {
	if f.Location == nil || source == nil {
		return ""
	}
	file := source(f.Location.File)
	if file == "" {
		return ""
	}
	return fmt.Sprintf("file=%s,line=%d,", escapeProperty(file), max(f.Location.Line, 1))
}

func escapeMessage(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// Markdown renders the run as GitHub's step summary.
func Markdown(run *Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### ktcp: %s\n\n", escapeCell(run.Headline()))
	for _, e := range run.Errors {
		fmt.Fprintf(&b, "- %s\n", escapeCell(e))
	}
	if len(run.Scenarios) > 0 {
		b.WriteString("| scenario | verdict | time | findings |\n|---|---|---:|---|\n")
	}
	for _, r := range rows(run) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", escapeCell(r.name), r.verdict, seconds(r.longest), escapeCell(r.what))
	}
	for _, s := range run.Scenarios {
		for _, f := range s.Findings {
			fmt.Fprintf(&b, "\n<details><summary>%s: %s</summary>\n\n```\n%s```\n</details>\n", html.EscapeString(s.Name),
				html.EscapeString(finding.Heading(f)), strings.ReplaceAll(finding.Text(f), "```", "'''"))
		}
	}
	b.WriteString("\n")
	for _, g := range run.guests() {
		fmt.Fprintf(&b, "- %s\n", escapeCell(g))
	}
	for _, n := range run.Notes {
		fmt.Fprintf(&b, "- %s\n", escapeCell(n))
	}
	return b.String()
}

// escapeCell returns text that Markdown and HTML leave alone, on one line.
func escapeCell(s string) string {
	return strings.NewReplacer("\n", " ", "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "_", `\_`, "*", `\*`, "`", "\\`").Replace(s)
}
