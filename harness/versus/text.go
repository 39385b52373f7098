package versus

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"ktcp/harness/report"
)

// names are what the modules are called in the comparison.
var names = [2]string{"A", "B"}

// text is the comparison and the exit code that it deserves.
func (s Spec) text(r *Record, c Contest, raw [2]string) (string, int) {
	code := report.ExitClean
	var b strings.Builder
	fmt.Fprintf(&b, "%s: Linux %s %s, %s, clock of %s; %s, A and B in turn, each time in a fresh clone\n\n",
		c.Modules[0].Role, r.Kernel, r.Flavor, r.Accelerator, r.Clock, rounds(c.Rounds))
	for i, m := range c.Modules {
		fmt.Fprintf(&b, "  %s  %s  (%s %s)\n", names[i], s.Dirs[i], m.Module, short(r.Builds[i]))
	}
	b.WriteString("\n")
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "load\tA req/s\tB req/s\tA instr/req\tB instr/req\tB's rate\t95 % interval\tspread A, B\t\n")
	var bad []string
	spread := false
	for _, l := range r.Summarize() {
		if l.Bad != [2]string{} {
			code = report.ExitFindings
			for i, why := range l.Bad {
				if why != "" {
					bad = append(bad, fmt.Sprintf("%s: not compared: %s: %s", l.Load, names[i], why))
				}
			}
			continue
		}
		spread = spread || l.Spread != [2]float64{}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%+.2f %%\t%s\t%s, %s\t\n", l.Load, number(l.Rate[0]), number(l.Rate[1]),
			number(l.Instructions[0]), number(l.Instructions[1]), 100*l.Change, l.interval(), percent(l.Spread[0]), percent(l.Spread[1]))
	}
	_ = w.Flush() // into memory
	b.WriteString(leftAlign(table.String()))
	for _, line := range bad {
		b.WriteString(line + "\n")
	}
	if r.Answers[0] != r.Answers[1] {
		fmt.Fprintf(&b, "\nNot the same work: A answers %s, B %s.\n", r.Answers[0], r.Answers[1])
	}
	b.WriteString("\n" + explain(c.Rounds, spread))
	for i, flaws := range r.Flaws {
		for _, f := range flaws {
			code = report.ExitFindings
			fmt.Fprintf(&b, "%s has a flaw: %s (go run . vet %s says more)\n", names[i], f, s.Dirs[i])
		}
	}
	fmt.Fprintf(&b, "raw: benchstat %s %s\n", report.Shown("", raw[0]), report.Shown("", raw[1]))
	return b.String(), code
}

// explain says how the numbers were got.
func explain(n int, spread bool) string {
	text := "B's rate: how far above A's it is in the same round, median of the rounds."
	if n >= RoundsForInterval {
		text += " The interval is that median's, from the\norder of the rounds alone (golang.org/x/perf/benchmath, no distribution assumed)."
	} else {
		text += fmt.Sprintf("\nNo interval: that takes %d rounds or more.", RoundsForInterval)
	}
	text += " Instructions are those of the\nwhole guest: client, TCP and module."
	if n > 1 && !spread {
		text += " Spread 0: on the clock of instructions every round gave the same number."
	}
	return text + "\n"
}

// interval is the interval of the change in words.
func (s Summary) interval() string {
	switch {
	case !s.Known():
		return "none"
	case s.Same():
		return fmt.Sprintf("%+.2f to %+.2f %%, no difference", 100*s.Lo, 100*s.Hi)
	}
	return fmt.Sprintf("%+.2f to %+.2f %%", 100*s.Lo, 100*s.Hi)
}

// leftAlign moves the first column of a table, which is aligned to the right, to the left.
func leftAlign(table string) string {
	var b strings.Builder
	for line := range strings.Lines(table) {
		text := strings.TrimLeft(line, " ")
		pad := len(line) - len(text)
		name, rest, _ := strings.Cut(text, "  ")
		b.WriteString(name + strings.Repeat(" ", pad) + "  " + strings.TrimRight(rest, " \n") + "\n")
	}
	return b.String()
}

// number is a number with a comma at the thousands.
func number(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func percent(part float64) string {
	if part == 0 {
		return "0"
	}
	return fmt.Sprintf("%.2f %%", 100*part)
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}

func short(id string) string { return id[:min(12, len(id))] }
