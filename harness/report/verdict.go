package report

// Verdict is the outcome of a scenario or of a run.
type Verdict string

// The verdicts.
const (
	// Pass: everything was checked and nothing was found.
	Pass Verdict = "pass"
	// Fail: there is a finding, or the scenario's own expectation was not met.
	Fail Verdict = "FAIL"
	// Error: the scenario could not be judged: no kernel, no guest, an oracle that could not run.
	Error Verdict = "ERROR"
	// Skip: the scenario does not apply here and says why.
	Skip Verdict = "skip"
	// NotOffered: the scenario is about something that the module does not claim to have.
	NotOffered Verdict = "not offered"
	// Unchanged: the scenario passed before, and nothing that it is made of has changed since, so it was not run again.
	Unchanged Verdict = "unchanged"
	// Running is what a record says until the scenario has ended.
	Running Verdict = "running"
	// Unfinished is a scenario that began and never ended: its process was killed or died.
	Unfinished Verdict = "UNFINISHED"
)

// harmless reports whether there is nothing to complain about.
func (v Verdict) harmless() bool { return v == Pass || v == Skip || v == NotOffered || v == Unchanged }

// Exit codes of a run, worst first: an invalid run outranks findings, because it may have missed others.
const (
	ExitClean    = 0 // every scenario passed or was skipped, and at least one passed
	ExitFindings = 1 // something was found
	ExitInvalid  = 2 // the run cannot be relied on: infrastructure failed, a scenario did not finish, or nothing ran
)

// Verdict returns the run's verdict: the worst of its scenarios'. A run in which nothing was judged is in [Error].
func (r *Run) Verdict() Verdict {
	n := r.count()
	switch {
	case len(r.Errors) > 0, r.Missed() != "", n.of[Error] > 0, n.of[Unfinished] > 0:
		return Error
	case n.of[Fail] > 0:
		return Fail
	case n.of[Pass]+n.of[Unchanged] == 0 && n.canaries == 0:
		return Error
	default:
		return Pass
	}
}

// SeenCanaries returns how many canaries were shown and seen.
func (r *Run) SeenCanaries() int { return r.count().canaries }

// Missed says which canary was not seen, "" when all were that ran.
func (r *Run) Missed() string {
	for _, s := range r.Scenarios {
		if s.Canaries == 0 || s.Verdict == Pass || s.Verdict == Skip {
			continue
		}
		if len(s.Messages) > 0 {
			return s.Name + ": " + oneLine(s.Messages[0])
		}
		return s.Name + ": " + summary(s)
	}
	return ""
}

// ExitCode returns the exit code that says the run's verdict.
func (r *Run) ExitCode() int {
	switch r.Verdict() {
	case Pass:
		return ExitClean
	case Fail:
		return ExitFindings
	default:
		return ExitInvalid
	}
}

// counts is what the totals are made of.
type counts struct {
	of       map[Verdict]int // without the canaries that were seen
	canaries int             // that were seen
	findings int
	affected int // scenarios with findings
}

func (r *Run) count() counts {
	n := counts{of: map[Verdict]int{}}
	for _, s := range r.Scenarios {
		if s.Canaries > 0 && s.Verdict == Pass {
			n.canaries += s.Canaries
			continue
		}
		n.of[s.Verdict]++
		n.findings += len(s.Findings)
		if len(s.Findings) > 0 {
			n.affected++
		}
	}
	return n
}
