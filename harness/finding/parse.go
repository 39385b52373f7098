package finding

import (
	"regexp"
	"slices"
	"time"

	"ktcp/guest/wire"
)

// ParseKmsg returns what the records of a kernel log report, in order of appearance.
func ParseKmsg(records []wire.KmsgRecord) []Finding { return Parse(KmsgLines(records)) }

// ParseConsole returns what the kernel reported on a serial console.
func ParseConsole(console string) []Finding { return Parse(ConsoleLines(console)) }

// Limits of a report. None is reached by a report that is whole.
const (
	maxLines   = 400             // of one report
	maxCut     = 4               // reports that were interrupted at a time
	maxForeign = 40              // lines that do not belong to it, before it counts as cut off
	maxPause   = 3 * time.Second // between two of its lines
	maxAfter   = 5 * time.Second // between a report and the panic that follows from it
)

// Parse returns what the lines of a kernel log report, in order of appearance and not deduplicated. Where lines say
// who printed them, reports that are printed at the same time do not mix.
func Parse(lines []Line) []Finding {
	p := parser{streams: map[string]*stream{}}
	for _, l := range lines {
		p.line(l)
	}
	var findings []Finding
	for _, r := range p.reports {
		if r.shape.kind != "" {
			findings = append(findings, r.finding())
		}
	}
	return findings
}

// parser holds the reports found so far and those under way, one in each stream of lines with one caller.
type parser struct {
	streams map[string]*stream
	reports []*report
}

// stream is what one caller prints.
type stream struct {
	open    *report   // nil between reports
	cut     []*report // reports that another one interrupted before their stack dump
	fresh   *report   // a report of which only "cut here" has come before another one went on
	dump    bool      // a dump that somebody asked for is under way (SysRq, backtraces of other processors)
	last    Line      // the line before, "" after a pause
	foreign int       // lines since the last that belonged to the open report
}

var (
	cutHere = regexp.MustCompile(`^-+\[ cut here \]-+`)
	endMark = regexp.MustCompile(`^-+\[ end (?:trace|Kernel panic).*\]-+`)
	barLine = regexp.MustCompile(`^={40,}\s*$`)
	// whereRE matches the line of a WARN() or BUG() that follows its message.
	whereRE = regexp.MustCompile(`^(?:WARNING: CPU: \d+ PID: \d+ |[kK]ernel BUG at )`)
	// faultRE matches the lines with which the death of a task begins after its cause was named.
	faultRE = regexp.MustCompile(`^(?:#PF: |Oops: |PGD |invalid opcode: |BAD$|general protection fault|stack guard page|double fault: )`)
	// lockdepOff stands in the middle of reports that would list the locks held, once lockdep has ended.
	lockdepOff = regexp.MustCompile(`^INFO: lockdep is turned off`)
	traceRE    = regexp.MustCompile(`^\s*(?:NMI )?Call Trace:`)
	traceEnd   = regexp.MustCompile(`^ </TASK>`)
	panicRE    = regexp.MustCompile(`^Kernel panic - not syncing`)
	// dumpRE matches the start of dumps that somebody asked for: they show stacks, and nothing is wrong.
	dumpRE = regexp.MustCompile(`^(?:sysrq: |task:\S.*\bstate:|NMI backtrace for cpu |Showing (?:all locks held|busy workqueues)|Sending NMI from CPU )`)
	// shapedRE matches lines that occur only in reports and dumps, whatever the report.
	shapedRE = regexp.MustCompile(`^(?:\s*</?(?:TASK|IRQ|NMI|SOFTIRQ|#DB|#DF|ENTRY_TRAMPOLINE|EXCEPTION)[^>]*>|CPU: \d+ |Hardware name: |Modules linked in:|` +
		`R[A-Z0-9]{2}: |RIP: |FS: |CS: |CR2: |DR[0-7]: |PKRU: |Code: |Workqueue: |Tainted: |Preemption disabled at:|Call Trace|\s*(?:NMI )?Call Trace:|` +
		`PGD |#PF: |Oops|in_atomic\(\): |preempt_count: |RCU nest depth: |INFO: lockdep is turned off|no locks held by|\d+ locks? held by| #\d+: |` +
		`irq event stamp: |hardirqs last |softirqs last |Kernel Offset: |note: .* exited with |\s+Tainted: |\s+(?:Not tainted|last function: )|` +
		`"echo 0 > /proc/sys/kernel/hung_task|task:\S.*state:|---\[ end |Rebooting in |Shutting down cpus|Dumping ftrace|CPU \d+ PID|Sending NMI|NMI backtrace)`)
	// splatRE matches lines that begin a report of unknown kind: the kernel dumps its stack only for a reason.
	splatRE = regexp.MustCompile(`^(?:CPU: \d+ (?:UID: \d+ )?PID: \d+ Comm: |RIP: 0010:|\s*Call Trace:)`)
)

// line takes in the next line of the log.
func (p *parser) line(l Line) {
	s := p.streams[l.Caller]
	if s == nil {
		s = &stream{}
		p.streams[l.Caller] = s
	}
	if s.last.Time > 0 && l.Time-s.last.Time > maxPause {
		*s = stream{}
	}
	p.take(s, l)
	s.last = l
}

// take gives a line to the report that it opens or continues.
func (p *parser) take(s *stream, l Line) {
	if panicRE.MatchString(l.Text) && p.follows(s, l) {
		return
	}
	s.untangle(l.Text)
	if cutHere.MatchString(l.Text) && s.open != nil && s.open.said() {
		s.open.cut = true
		s.add(l)
		return
	}
	if cutHere.MatchString(l.Text) && (s.open == nil || !s.open.warns()) {
		p.splat(s, l)
		return
	}
	if s.open != nil && (s.open.merges(l.Text) || !s.open.ended && lockdepOff.MatchString(l.Text)) {
		s.add(l)
		return
	}
	if sp, values := match(shapes, l.Text); sp.head != nil {
		p.begin(s, l, sp, values)
		return
	}
	if s.open == nil || s.open.ended {
		// BUG() prints no message itself: what has one to say says it first.
		if sp, values := match(messages, l.Text); sp.head != nil {
			p.begin(s, l, sp, values)
			return
		}
	}
	if dumpRE.MatchString(l.Text) && (s.open == nil || !s.open.showsTasks()) {
		s.open, s.dump = nil, true
		return
	}
	switch {
	case s.open != nil:
		s.continues(l)
	case s.dump:
	case splatRE.MatchString(l.Text) && len(s.cut) > 0:
		s.open = s.cut[len(s.cut)-1]
		s.cut = s.cut[:len(s.cut)-1]
		s.add(l)
	case splatRE.MatchString(l.Text):
		p.splat(s, l)
	}
}

// untangle chooses between two reports that are printed at the same time, line by line, where lines do not say by whom.
func (s *stream) untangle(text string) {
	_, frame := parseFrame(text)
	inside := frame || shapedRE.MatchString(text)
	switch {
	case inside && s.open != nil && s.open.bare() && len(s.cut) > 0:
		s.fresh = s.open
		s.open = s.cut[len(s.cut)-1]
		s.cut = s.cut[:len(s.cut)-1]
	case !inside && s.fresh != nil && (s.open == nil || s.open.ended) && !cutHere.MatchString(text):
		s.open, s.fresh = s.fresh, nil
	}
}

// put makes a report the open one. Where lines do not say who printed them, the one before may go on after it.
func (p *parser) put(s *stream, r *report) {
	if o := s.open; o != nil && !o.ended && o.traces == 0 && o.shape.kind != "" && len(s.cut) < maxCut {
		s.cut = append(s.cut, o)
	}
	s.open, s.dump, s.foreign = r, false, 0
	p.reports = append(p.reports, r)
}

// begin opens a report.
func (p *parser) begin(s *stream, l Line, sp shape, values map[string]string) {
	r := &report{shape: sp, values: values, title: l.Text, time: l.Time}
	p.put(s, r)
	s.add(l)
}

// splat opens a report whose kind is not known, or not yet. What was said right before is usually the reason.
func (p *parser) splat(s *stream, l Line) {
	r := &report{shape: sh(Splat, bodyTrace, ""), values: map[string]string{}, title: l.Text, time: l.Time}
	said := s.last.Text
	if cutHere.MatchString(l.Text) {
		r.cut = true
	} else if _, known := harmlessLine(said); said != "" && !known && !shapedRE.MatchString(said) {
		r.title = said
		r.lines = append(r.lines, said)
	}
	p.put(s, r)
	s.add(l)
}

// follows attaches a panic to the report that it follows from, and reports whether there is one.
func (p *parser) follows(s *stream, l Line) bool {
	r := s.open
	if r == nil && consequence.MatchString(l.Text) {
		for _, earlier := range slices.Backward(p.reports) {
			if earlier.shape.kind != "" && l.Time-earlier.lastTime <= maxAfter {
				r = earlier
				break
			}
		}
	}
	if r == nil || r.shape.kind == "" {
		return false
	}
	// What the panic dumps is its own way there, not the reason.
	s.open, s.foreign = r, 0
	r.ended = true
	r.panic = l.Text
	r.keep(l)
	return true
}

// add appends a line to the open report.
func (s *stream) add(l Line) {
	s.foreign = 0
	s.open.keep(l)
	s.open.advance(l.Text)
	if len(s.open.lines) >= maxLines {
		s.open = nil
	}
}

// continues decides whether a line that opens nothing belongs to the open report.
func (s *stream) continues(l Line) {
	r := s.open
	_, frame := parseFrame(l.Text)
	switch {
	case r.ended && (frame || shapedRE.MatchString(l.Text)):
		// The kernel shows the registers again after the end mark, and a panic dumps its own stack.
	case r.ended, r.shape.body == bodyLine && !frame && !shapedRE.MatchString(l.Text):
		s.open = nil
	case frame, shapedRE.MatchString(l.Text), r.prose(l.Text):
		s.add(l)
	default:
		if s.foreign++; s.foreign > maxForeign {
			s.open = nil
		}
	}
}
