package finding

import (
	"slices"
	"strings"
	"time"
)

// report is a kernel report under way or complete.
type report struct {
	shape    shape
	values   map[string]string // groups of the opening line: class, task, addr
	title    string
	time     time.Duration
	lastTime time.Duration
	lines    []string
	panic    string // the panic that followed from it
	cut      bool   // opened by "cut here": its kind is in the lines to come
	where    bool   // the line of WARN() or BUG() that says where has been seen
	traces   int    // stack dumps begun
	closed   int    // stack dumps that have ended
	final    bool   // lockdep: "stack backtrace:" has been seen, the next dump is the last
	ended    bool   // complete: only repetitions may follow
}

// said reports whether the report is a message and nothing more yet.
func (r *report) said() bool {
	return len(r.lines) == 1 && !r.cut && slices.ContainsFunc(messages, func(m shape) bool { return m.head == r.shape.head })
}

// bare reports whether nothing but "cut here" has come yet.
func (r *report) bare() bool { return r.cut && !r.where && len(r.lines) == 1 }

// keep stores a line.
func (r *report) keep(l Line) {
	r.lastTime = l.Time
	if len(r.lines) < maxLines {
		r.lines = append(r.lines, l.Text)
	}
}

// warns reports whether the report gets its stack dump from a WARN() that follows its text, as SLUB's do on newer kernels.
func (r *report) warns() bool {
	return (r.shape.kind == SlabLeft || r.shape.kind == SlabCorruption) && r.shape.body == bodyProse && r.traces == 0 && !r.ended
}

// merges reports whether a line that could open a report of its own is part of this one.
func (r *report) merges(text string) bool {
	switch {
	case r.shape.kind == DuplicateName && strings.Contains(text, "with -EEXIST"):
		return true // the caller of the function that has just complained complains as well
	case r.ended:
		return false
	case kasanRE.MatchString(text):
		return r.traces == 0 && r.shape.kind == Oops
	case r.warns() && (cutHere.MatchString(text) || whereRE.MatchString(text)):
		return true
	case r.cut && !r.where:
		return true
	case faultRE.MatchString(text):
		// "Oops:" after the address, "invalid opcode" after BUG(). The stack dump has then not begun.
		return r.traces == 0
	case r.shape.kind == RCUStall:
		return strings.HasPrefix(text, "rcu: ") && r.lastTime > 0 && !strings.Contains(text, "detected")
	case r.shape.kind == OOM:
		return strings.Contains(text, "of memory: Killed process")
	default:
		return false
	}
}

// showsTasks reports whether stacks of tasks are part of the report and not a dump that follows it.
func (r *report) showsTasks() bool {
	switch r.shape.kind {
	case HungTask:
		return r.traces == 0
	case RCUStall, WorkqueueStall, HardLockup, SoftLockup:
		return true
	default:
		return false
	}
}

// prose reports whether lines of any form belong to the report at this point.
func (r *report) prose(text string) bool {
	switch r.shape.body {
	case bodyBar, bodyLockdep:
		return true
	case bodyProse:
		return r.closed == 0 || r.shape.kind == OOM || afterTraceRE.MatchString(text)
	case bodyLine:
		return false
	default:
		return r.cut && !r.where || r.traces == 0 && strings.HasPrefix(text, " ")
	}
}

// advance follows the report's course by a line that was added to it.
func (r *report) advance(text string) {
	if r.cut && !r.where {
		r.settle(text)
	}
	switch {
	case kasanRE.MatchString(text):
		// What the fault means: the address is that of KASAN's shadow. Said in words that are not known, it is still the fault.
		if sp, values := match(shapes, text); sp.head != nil {
			r.shape, r.values, r.title = sp, values, text
		}
	case endMark.MatchString(text):
		r.ended = true
	case barLine.MatchString(text):
		r.ended = r.shape.body == bodyBar && len(r.lines) > 1
	case strings.HasPrefix(text, "stack backtrace:"):
		r.final = true
	case traceRE.MatchString(text):
		r.traces++
	case traceEnd.MatchString(text):
		r.closed++
		r.ended = r.lastTrace()
	case r.shape.kind == OOM && strings.Contains(text, "of memory: Killed process"):
		r.ended = true
	}
}

// lastTrace reports whether a report whose stack dump has just ended is complete. Where an end mark follows, it is not.
func (r *report) lastTrace() bool {
	switch r.shape.body {
	case bodyLockdep:
		return r.final
	case bodyTrace, bodyLine:
		return !r.cut && !r.dies()
	default:
		return false
	}
}

// dies reports whether the report ends with the "end trace" mark because the task dies or a WARN() is over.
func (r *report) dies() bool {
	switch r.shape.kind {
	case Oops, PageFault, Bug, Warning, StackCorruption, KASAN, Panic, ListCorruption, UserCopy:
		return true
	default:
		return false
	}
}

// settle takes the kind of a report that was opened by "cut here" from the lines after it: the message, if any, and then the
// line that says where.
func (r *report) settle(text string) {
	known := r.shape.kind != Splat
	switch {
	case cutHere.MatchString(text):
	case whereRE.MatchString(text):
		r.where = true
		if known {
			return
		}
		untitled := cutHere.MatchString(r.title)
		r.shape, r.values = match(shapes, text)
		if untitled {
			r.title = text
		}
	case known:
	default:
		if cutHere.MatchString(r.title) {
			r.title = text
		}
		if sp, values := match(messages, text); sp.head != nil {
			r.shape, r.values, r.title = sp, values, text
		} else if sp, values := match(shapes, text); sp.head != nil {
			// UBSAN and others print a report of their own below "cut here".
			r.shape, r.values, r.title, r.where = sp, values, text, true
		}
	}
}
