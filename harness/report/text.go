package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"ktcp/harness/finding"
)

// maxWidth is the widest that a table gets, in columns.
const maxWidth = 100

// TextOptions says what the text is for. The zero value suits a file or a pipe.
type TextOptions struct {
	Width int    // columns; 0 means 100
	Color bool   // ANSI colours
	From  string // paths below this directory are shown relative to it; "" means the project root
}

// Terminal returns options that suit the file: colours only on a terminal, unless NO_COLOR is set or TERM is dumb, and no wider
// than it is.
func Terminal(f *os.File) TextOptions {
	o := TextOptions{}
	if !term.IsTerminal(int(f.Fd())) {
		return o
	}
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		o.Width = min(w, maxWidth)
	}
	o.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return o
}

// Text renders the run for people: the verdict, a table of scenarios, each finding, and at the end totals, what it
// ran on and where the evidence is.
func Text(run *Run, o TextOptions) string {
	if o.Width <= 0 {
		o.Width = maxWidth
	}
	var b strings.Builder
	b.WriteString(o.paint(run.Verdict(), run.Headline()) + "\n")
	for _, e := range run.Errors {
		b.WriteString("  " + indent(e, "  ") + "\n")
	}
	if len(rows(run)) > 0 {
		b.WriteString("\n" + table(run, o))
	}
	for _, s := range run.Scenarios {
		b.WriteString(details(run, s, o))
	}
	b.WriteString("\n" + footer(run, o))
	return b.String()
}

// details returns what there is to say about a scenario that did not pass, or nothing.
func details(run *Run, s Scenario, o TextOptions) string {
	if s.Verdict.harmless() {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n" + o.paint(s.Verdict, s.Name) + "\n")
	if s.Verdict == Unfinished {
		b.WriteString("  did not finish: its process died or was killed\n")
	}
	for _, m := range append([]string{s.Error}, s.Messages...) {
		if m != "" {
			b.WriteString("  " + indent(m, "  ") + "\n")
		}
	}
	for _, f := range s.Findings {
		b.WriteString("  " + indent(strings.TrimRight(finding.Text(f), "\n"), "  ") + "\n")
	}
	if len(s.Again) > 0 {
		b.WriteString("  the same again with " + strings.Join(s.Again, " ") + "\n")
	}
	if len(s.Evidence) > 0 {
		dir := filepath.Join(run.Dir, filepath.Dir(s.Evidence[0]))
		var names []string
		for _, e := range s.Evidence {
			names = append(names, filepath.Base(e))
		}
		b.WriteString("  evidence: " + o.shown(run, dir) + ": " + strings.Join(names, ", ") + "\n")
	}
	return b.String()
}

// footer returns the totals, what it ran on and where the evidence is.
func footer(run *Run, o TextOptions) string {
	var b strings.Builder
	for _, g := range run.guests() {
		b.WriteString("guest     " + g + "\n")
	}
	if run.Host != "" {
		b.WriteString("host      " + run.Host + "\n")
	}
	for _, n := range run.Notes {
		b.WriteString("note      " + indent(n, "          ") + "\n")
	}
	if c := run.canaries(); c != "" {
		b.WriteString("canaries  seen: " + c + "\n")
	}
	b.WriteString("evidence  " + o.shown(run, run.Dir) + "\n")
	if t := run.totals(); t != "" {
		b.WriteString("total     " + t + ", " + seconds(run.elapsed()) + "\n")
	}
	return b.String()
}

// elapsed returns the wall time from the start of the run to the end of its last scenario.
func (r *Run) elapsed() time.Duration {
	end := r.Started
	for _, s := range r.Scenarios {
		if e := s.Started.Add(s.Duration); e.After(end) {
			end = e
		}
	}
	return end.Sub(r.Started)
}

// shown returns a path as a person would type it.
func (o TextOptions) shown(run *Run, path string) string {
	from := o.From
	if from == "" {
		from = run.Root
	}
	return Shown(from, path)
}

// Shown returns a path as a person in the directory from would type it; "" is the working directory.
func Shown(from, path string) string {
	if from == "" {
		var err error
		if from, err = os.Getwd(); err != nil {
			return path
		}
	}
	rel, err := filepath.Rel(from, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}

// Progress returns what shows a line about something that takes time; where w is nil it shows nothing.
func Progress(w io.Writer) func(format string, args ...any) {
	return func(format string, args ...any) {
		if w != nil {
			fmt.Fprintf(w, "ktcp: "+format+"\n", args...)
		}
	}
}

// paint returns text in the colour of a verdict, or plain.
func (o TextOptions) paint(v Verdict, text string) string {
	if !o.Color {
		return text
	}
	color := "31" // red
	switch v {
	case Pass, Unchanged:
		color = "32"
	case Skip, NotOffered:
		color = "33"
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// indent puts prefix before every line but the first.
func indent(text, prefix string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+prefix)
}

// seconds returns a duration as it stands in tables, "12.3 s".
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// clip shortens text to width columns.
func clip(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	r := []rune(text)
	return string(r[:max(width-1, 0)]) + "…"
}

// pad fills text to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
