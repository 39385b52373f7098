package finding

import (
	"regexp"
	"slices"
	"strings"
)

var (
	atRE       = regexp.MustCompile(`^WARNING: CPU: \d+ PID: \d+ at (?:(\S+):(\d+) )?(.*)$`)
	bugAtRE    = regexp.MustCompile(`^[kK]ernel BUG at (\S+):(\d+)!`)
	commRE     = regexp.MustCompile(`^CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm: (.+?) (?:Tainted|Not tainted|Kdump|G )`)
	workRE     = regexp.MustCompile(`^Workqueue: +(?:(\S+) )?(?:(0x[0-9a-f]+)|([\w.]+)(?: \[([\w-]+)\])?)`)
	kasanRE    = regexp.MustCompile(`^KASAN: .* in range `)
	linkedRE   = regexp.MustCompile(`^Modules linked in:.*?\b([\w-]+)\([A-Z]*[+-]\)`)
	namedRE    = regexp.MustCompile(`\b([A-Za-z_][\w.]*)(?:\+0x([0-9a-f]+)/0x([0-9a-f]+))? \[([A-Za-z_][\w-]*)\]`)
	taintedRE  = regexp.MustCompile(` \((?:Tainted: |Not tainted)[^)]*\)`)
	spacesRE   = regexp.MustCompile(`\s+`)
	unloadedRE = regexp.MustCompile(`\[last unloaded: ([\w-]+)`)
	fetchRE    = regexp.MustCompile(`^#PF: supervisor instruction fetch`)
	// afterTraceRE matches what reports that have no mark at their end go on with after a stack dump.
	afterTraceRE = regexp.MustCompile(`^(?:\s|FIX |Object |Slab |Redzone |Padding |Bytes b4 |Allocated in |Freed in |Disabling lock debugging|` +
		`rcu: |workqueue |pool |Showing |Sending NMI|unreferenced object )`)
	groupRE = regexp.MustCompile(`^(?:\s*(?:NMI )?Call Trace:|stack backtrace:|(?:Allocated|Freed) (?:by task|in) |(?:Last potentially related|Second to last|Last) .*(?:work creation|call_rcu|stack).*:|` +
		`-> #\d+ |\s*backtrace.*:|(?:race at unknown origin|(?:read|write|read-write|assert no \w+|interrupt)\b.*\bby (?:task|interrupt) ).*|` +
		`.*(?:allocated at|freed by task|freed in|hold at|created by|created at|leaked|users at|last unloaded).*:?$|task:\S.*state:|NMI backtrace for cpu|the existing dependency chain|.*hardirq-.* usage|` +
		`\{.*\} state was registered at:|.* state was registered at:|.*dependency .* at:|\.\.\. acquired at:|other info that might help|Preemption disabled at:|Kernel stack is corrupted)`)
)

// finding turns a complete report into a finding.
func (r *report) finding() Finding {
	f := Finding{
		Kind: r.shape.kind, Class: r.values["class"], Oracle: OracleLog, Time: r.time, Excerpt: r.lines, Count: 1,
		Title: titled(r.title),
		Task:  r.values["task"],
	}
	// Of a log that was cut the line that says what happened may be missing.
	for i := 0; f.Title == "" && i < len(r.lines); i++ {
		if !cutHere.MatchString(r.lines[i]) {
			f.Title = titled(r.lines[i])
		}
	}
	if r.values["pid"] != "" {
		f.Task = r.values["comm"] + "/" + r.values["pid"]
	}
	if a := r.values["addr"]; a != "" {
		f.Address = Addr(hexValue(strings.TrimPrefix(a, "0x")))
	}
	a := assembly{f: &f}
	for _, text := range r.lines {
		a.line(text)
	}
	a.finish()
	f.Fingerprint = Fingerprint(f)
	return f
}

// titled makes a line of the log a title: without what the kernel is tainted by, and with single blanks.
func titled(line string) string {
	return spacesRE.ReplaceAllString(strings.TrimSpace(taintedRE.ReplaceAllString(line, "")), " ")
}

// assembly reads the lines of a report for what a finding has fields for.
type assembly struct {
	f      *Finding
	groups []Trace
	ip     *Frame // instruction pointer that waits for its stack dump
	over   bool   // the last stack is complete
	prev   string // the line before, if it was no frame
	done   bool   // the end mark has been seen: what follows is repetition
	work   Frame  // the work item that was running
	gone   string // the module that was unloaded last
	moving string // the module that was being loaded or unloaded
	alone  bool   // no module was loaded
	at     *Location
	atFunc string // kernel function or module function that a WARN() stands in
}

// line reads one line.
func (a *assembly) line(text string) {
	if a.done {
		return
	}
	if endMark.MatchString(text) || panicRE.MatchString(text) && len(a.groups) > 0 {
		a.done = true
		return
	}
	if f, ok := parseRIP(text); ok {
		a.addIP(f)
		return
	}
	if f, ok := parseFrame(text); ok {
		if len(a.groups) == 0 || a.over {
			a.begin(a.prev)
		}
		g := &a.groups[len(a.groups)-1]
		g.Frames = append(g.Frames, f)
		return
	}
	if groupRE.MatchString(text) {
		a.begin(text)
	}
	if traceEnd.MatchString(text) {
		a.over = true
	}
	if s := strings.TrimSpace(text); s != "" {
		a.prev = s
	}
	a.facts(text)
}

// begin begins a stack. An instruction pointer that was shown before a stack dump is its innermost frame.
func (a *assembly) begin(title string) {
	g := Trace{Title: strings.TrimSpace(title)}
	if a.ip != nil && traceRE.MatchString(title) {
		g.Frames = []Frame{*a.ip}
		a.ip = nil
	}
	a.groups = append(a.groups, g)
	a.over = false
}

// addIP stores an instruction pointer: for the dump to come, or within one where an interrupt was entered.
func (a *assembly) addIP(f Frame) {
	if n := len(a.groups); n > 0 && !a.over && traceRE.MatchString(a.groups[n-1].Title) {
		a.groups[n-1].Frames = append(a.groups[n-1].Frames, f)
		return
	}
	a.ip = &f
}

// facts reads the lines that are no part of a stack.
func (a *assembly) facts(text string) {
	if m := atRE.FindStringSubmatch(text); m != nil {
		if f, ok := parseFrame(m[3]); ok {
			f.IP = true
			a.atFunc = f.Func
			a.ip = &f
			if f.Module != "" && m[1] != "" {
				a.at = &Location{File: m[1], Line: int(decimal(m[2])), Func: plainName(f.Func)}
			}
		}
		if m[1] != "" && strings.HasPrefix(a.f.Title, "WARNING: CPU:") {
			fn, _, _ := strings.Cut(m[3], "+")
			a.f.Title = "WARNING at " + m[1] + ":" + m[2] + " in " + fn
		}
	}
	if m := bugAtRE.FindStringSubmatch(text); m != nil {
		a.at = &Location{File: m[1], Line: int(decimal(m[2]))}
	}
	if m := commRE.FindStringSubmatch(text); m != nil && a.f.Task == "" {
		a.f.Task = m[2] + "/" + m[1]
	}
	if m := workRE.FindStringSubmatch(text); m != nil && a.work == (Frame{}) {
		a.work = Frame{Func: m[3], Module: m[4], Addr: Addr(hexValue(strings.TrimPrefix(m[2], "0x")))}
	}
	if rest, ok := strings.CutPrefix(text, "Modules linked in:"); ok {
		rest = strings.TrimSpace(rest)
		a.alone = rest == "" || strings.HasPrefix(rest, "[last unloaded: ")
	}
	if m := linkedRE.FindStringSubmatch(text); m != nil {
		a.moving = m[1]
	}
	if m := unloadedRE.FindStringSubmatch(text); m != nil {
		a.gone = m[1]
	}
	if fetchRE.MatchString(text) {
		a.f.Class = "instruction-fetch"
	}
}

// finish puts together what the lines gave.
func (a *assembly) finish() {
	a.stacks()
	f := a.f
	if f.Kind == Bug && a.atFunc == "" && len(f.Stack) > 0 {
		a.atFunc = f.Stack[0].Func
	}
	if f.Kind == Warning || f.Kind == Bug {
		for _, s := range sites {
			if s.fn.MatchString(plainName(a.atFunc)) {
				f.Kind, f.Class = s.kind, s.class
				break
			}
		}
	}
	if !inModule(f.Stack) {
		a.named()
	}
	f.Module, f.Location = blame(f)
	if a.at != nil && f.Module != "" && (f.Location == nil || f.Location.Line == 0) && len(f.Stack) > 0 && f.Stack[0].Module == f.Module {
		a.at.Func = plainName(f.Stack[0].Func)
		f.Location = a.at
	}
	if f.Module == "" {
		f.Module = a.suspect()
	}
}

// named adds the function of a module that the title names, for reports whose stack does not pass through it: the callback of an
// object, the function that a work item ran.
func (a *assembly) named() {
	for _, text := range a.f.Excerpt {
		m := namedRE.FindStringSubmatch(text)
		if m == nil || strings.HasPrefix(text, "Modules linked in:") {
			continue
		}
		if _, frame := parseFrame(text); frame || groupRE.MatchString(text) {
			continue
		}
		a.f.Related = append(a.f.Related, Trace{Title: strings.TrimSpace(text), Frames: []Frame{{
			Func: m[1], Offset: hexValue(m[2]), Size: hexValue(m[3]), Module: m[4],
		}}})
		return
	}
}

// moduleArea is where x86-64 puts modules, with and without a randomized base.
var moduleArea = [2]Addr{0xffffffffa0000000, 0xffffffffff000000}

func inModuleArea(a Addr) bool { return a >= moduleArea[0] && a < moduleArea[1] }

// nameless reports whether a frame is where a module's text used to be.
func nameless(f Frame) bool { return f.Func == "" && !f.Unreliable && inModuleArea(f.Addr) }

// suspect returns a module to blame where no stack names one.
func (a *assembly) suspect() string {
	switch f := a.f; {
	case a.work.Module != "":
		return a.work.Module
	case a.moving != "":
		return a.moving
	case a.alone && (f.Kind == PageFault && inModuleArea(f.Address) || slices.ContainsFunc(f.Stack, nameless)):
		// Text or data that is not mapped any more: of the module that went last, until a symbolizer knows better.
		return a.gone
	default:
		return ""
	}
}

// stacks chooses the main stack and leaves the others as related.
func (a *assembly) stacks() {
	for i, g := range a.groups {
		// Newer kernels begin the dump with the very function that the instruction pointer is in.
		if len(g.Frames) > 1 && g.Frames[0].IP && sameFrame(firstReliable(g.Frames[1:]), g.Frames[0]) {
			a.groups[i].Frames = g.Frames[1:]
		}
	}
	main := a.mainGroup()
	switch {
	case main >= 0:
		a.f.Stack = a.groups[main].Frames
	case a.ip != nil:
		a.f.Stack = []Frame{*a.ip}
	}
	if a.work.Addr != 0 && a.work.Func == "" || a.work.Func != "" && a.work.Module != "" && !mentions(a.f.Stack, a.work.Func) {
		w := a.work
		w.IP = true
		a.f.Stack = insertBefore(a.f.Stack, "process_one_work", w)
	}
	for i, g := range a.groups {
		if i != main && len(g.Frames) > 0 {
			a.f.Related = append(a.f.Related, g)
		}
	}
}

// mainGroup returns the index of the stack that says where it happened: of the dumps, the first that passes through a module,
// otherwise the first; without a dump the first stack of any sort. It returns -1 when there is none.
func (a *assembly) mainGroup() int {
	best := -1
	for i, g := range a.groups {
		if len(g.Frames) == 0 || !traceRE.MatchString(g.Title) {
			continue
		}
		if best < 0 {
			best = i
		}
		if inModule(g.Frames) {
			return i
		}
	}
	if best >= 0 {
		return best
	}
	for i, g := range a.groups {
		if len(g.Frames) > 0 {
			return i
		}
	}
	return -1
}
