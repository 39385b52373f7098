package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// entries are the functions by which an interrupt or a softirq begins on whatever stack was in use.
var entries = []string{
	"do_softirq", "__do_softirq", "do_softirq_own_stack", "handle_softirqs", "irq_exit_rcu", "__irq_exit_rcu", "irq_exit",
	"common_interrupt", "asm_common_interrupt", "exc_nmi", "asm_exc_nmi",
}

// entryPrefixes begin the names of entries for each kind of interrupt.
var entryPrefixes = []string{"sysvec_", "asm_sysvec_", "__sysvec_"}

// entersInterrupt reports whether a frame is where an interrupt or a softirq begins.
func entersInterrupt(f wire.StackFrame) bool {
	// The compiler names parts of functions "do_softirq.part.0", "handle_softirqs.isra.0".
	name, _, _ := strings.Cut(f.Func, ".")
	return slices.Contains(entries, name) ||
		slices.ContainsFunc(entryPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// module is whose frames are looked for.
type module struct {
	name  string
	text  []wire.Range
	init  []wire.InitText
	since time.Duration // when it was first loaded, on CLOCK_MONOTONIC
}

// owns reports whether a frame is in the module.
func (m module) owns(f wire.StackFrame) bool {
	if f.Func != "" {
		return f.Module == m.name && m.name != ""
	}
	return slices.ContainsFunc(m.text, func(r wire.Range) bool { return f.Addr >= r.Start && f.Addr < r.End })
}

// caused reports whether an allocation was made on behalf of the module: whether one of its functions is on the
// way from the allocation out to where the task or the interrupt began.
func (m module) caused(stack []wire.StackFrame) bool {
	for _, f := range stack {
		if m.owns(f) {
			return true
		}
		if entersInterrupt(f) {
			return false
		}
	}
	return false
}

// tick is how coarse ages are: they are counted in jiffies.
const tick = 20 * time.Millisecond

// span is a time that is known only to lie between two.
type span struct{ earliest, latest time.Duration }

// initialized reports whether an allocation passes through the module's init and was made while that ran: any of these times, of the
// youngest and the oldest object of a site, will do.
func (m module) initialized(stack []wire.StackFrame, made ...span) bool {
	for _, init := range m.init {
		passes := slices.ContainsFunc(stack, func(f wire.StackFrame) bool {
			return f.Func == "" && f.Addr >= init.Start && f.Addr < init.End
		})
		if passes && slices.ContainsFunc(made, func(t span) bool { return t.latest >= init.From-tick && t.earliest <= init.Until+tick }) {
			return true
		}
	}
	return false
}

// monotonic is the time since boot.
func monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// mention returns a quick test for text that may hold a frame of the module.
func (m module) mention() func(text []byte) bool {
	tag := []byte("[" + m.name)
	bare := []byte(" 0x")
	return func(text []byte) bool {
		return len(m.name) > 0 && bytes.Contains(text, tag) || len(m.text)+len(m.init) > 0 && bytes.Contains(text, bare)
	}
}
