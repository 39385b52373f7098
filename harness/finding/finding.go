package finding

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Finding is one thing that an oracle saw. Its JSON form is the record in findings.json.
type Finding struct {
	Kind Kind `json:"kind"`
	// Class divides the kind further in the reporter's own words ("slab-use-after-free", "possible circular locking
	// dependency", "thread"), or is empty.
	Class  string `json:"class,omitempty"`
	Oracle Oracle `json:"oracle"`
	// Module is the module that the finding is blamed on: that of the innermost frame that is in a module. Empty when
	// none is known.
	Module string `json:"module,omitempty"`
	// Title is one line that says what happened, without a time stamp.
	Title string `json:"title"`
	// Location is the innermost line of the module's own source, where no symbolizer has been at it perhaps only the function;
	// nil when not even that is known.
	Location *Location `json:"location,omitempty"`
	// Stack is where it happened, innermost frame first.
	Stack []Frame `json:"stack,omitempty"`
	// Related holds the other stacks of a report: the allocation, the free, the other access, the other lock.
	Related []Trace `json:"related,omitempty"`
	// Address is the address that was accessed, 0 when there was none (or when it was NULL).
	Address Addr `json:"address,omitempty"`
	// Task is the task that was running, "comm/pid", where known.
	Task string `json:"task,omitempty"`
	// Time is when it was printed, in guest time since boot, in ns.
	Time time.Duration `json:"time_ns,omitempty"`
	// Objects and Bytes say how much was left, for leaks.
	Objects int   `json:"objects,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`
	// Excerpt is the evidence: the lines of the log, or the ledger's entry.
	Excerpt []string `json:"excerpt,omitempty"`
	// Scenario and Guest are filled in by whoever ran the oracle.
	Scenario string `json:"scenario,omitempty"`
	Guest    string `json:"guest,omitempty"`
	// Count is how often it was seen; findings with one fingerprint are folded by [Dedupe].
	Count int `json:"count"`
	// Fingerprint is the same for two sightings of one bug, also across runs, kernels and edits that only move lines; a leak moves with its line.
	Fingerprint string `json:"fingerprint"`
}

// InModule reports whether any of the stacks has a frame in a module, or at an address that has no name: text that is gone.
func (f Finding) InModule() bool {
	in := func(stack []Frame) bool {
		return slices.ContainsFunc(stack, func(f Frame) bool { return f.Module != "" || f.Func == "" })
	}
	return in(f.Stack) || slices.ContainsFunc(f.Related, func(t Trace) bool { return in(t.Frames) })
}

// Location is a line of source.
type Location struct {
	File string `json:"file,omitempty"` // as in the DWARF, "kweb/main.c"; empty when only the function is known
	Line int    `json:"line,omitempty"` // from 1; 0 when not known
	Func string `json:"func,omitempty"` // the function that the line belongs to, inlined or not
}

// String returns "kweb/main.c:87 in kweb_accept".
func (l *Location) String() string {
	if l == nil {
		return ""
	}
	s := l.File
	if s == "" {
		return l.Func
	}
	if l.Line > 0 {
		s += ":" + strconv.Itoa(l.Line)
	}
	if l.Func != "" {
		s += " in " + l.Func
	}
	return s
}

// Frame is one entry of a stack.
type Frame struct {
	Func   string `json:"func,omitempty"`   // empty for a bare address that has no name yet
	Offset uint64 `json:"offset,omitempty"` // bytes into Func
	Size   uint64 `json:"size,omitempty"`   // bytes of Func, as the kernel reckons them
	Module string `json:"module,omitempty"` // empty for the kernel itself
	Addr   Addr   `json:"addr,omitempty"`   // where only an address was printed
	File   string `json:"file,omitempty"`   // set by [Symbolize]
	Line   int    `json:"line,omitempty"`
	// IP tells that this is where execution was; otherwise it is a return address.
	IP bool `json:"ip,omitempty"`
	// Inlined tells that Func was inlined into the next frame, which holds the address.
	Inlined bool `json:"inlined,omitempty"`
	// Unreliable marks an address that lay on the stack and need not be a caller ("? " in the log).
	Unreliable bool `json:"unreliable,omitempty"`
}

// String returns the frame as the kernel prints it, followed by the line of source where it is known.
func (f Frame) String() string {
	var s string
	if f.Unreliable {
		s = "? "
	}
	switch {
	case f.Func == "":
		s += f.Addr.String()
	case f.Inlined || f.Size == 0:
		s += f.Func
	default:
		s += fmt.Sprintf("%s+%#x/%#x", f.Func, f.Offset, f.Size)
	}
	if f.Module != "" {
		s += " [" + f.Module + "]"
	}
	if f.File != "" {
		s += " " + f.File
		if f.Line > 0 {
			s += ":" + strconv.Itoa(f.Line)
		}
	}
	if f.Inlined {
		s += " (inlined)"
	}
	return s
}

// Trace is a further stack of a report.
type Trace struct {
	Title  string  `json:"title"` // the line above it: "Allocated by task 87:"
	Frames []Frame `json:"frames"`
}

// Addr is a kernel address. In text and in JSON it is hexadecimal, because not every reader of JSON keeps 64 bits.
type Addr uint64

// String returns "0xffffffffc0371050".
func (a Addr) String() string { return fmt.Sprintf("%#x", uint64(a)) }

// MarshalText implements [encoding.TextMarshaler].
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Addr) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 0, 64)
	if err != nil {
		return fmt.Errorf("decode address: %w", err)
	}
	*a = Addr(v)
	return nil
}
