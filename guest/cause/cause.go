package cause

import (
	"slices"
	"strings"
	"time"

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

// Module is whose allocations are looked for. See [wire.LedgerRequest] for the fields.
type Module struct {
	Name  string
	Text  []wire.Range
	Init  []wire.InitText
	Since time.Duration
}

// Asked returns the module that a request asks for.
func Asked(req wire.LedgerRequest) Module {
	return Module{Name: req.Name, Text: req.Text, Init: req.Init, Since: req.Since}
}

// Owns reports whether a frame is in the module.
func (m Module) Owns(f wire.StackFrame) bool {
	if f.Func != "" {
		return f.Module == m.Name && m.Name != ""
	}
	return slices.ContainsFunc(m.Text, func(r wire.Range) bool { return in(f, r) })
}

// tick is how coarse ages are: they are counted in jiffies.
const tick = 20 * time.Millisecond

// Span is a guest time on CLOCK_MONOTONIC that is known only to lie between two.
type Span struct{ Earliest, Latest time.Duration }

// Counts reports whether the objects of a site, the youngest and the oldest of which were made at these times, are the
// module's: whether it caused them and not whoever had its text before, or its init did.
func (m Module) Counts(stack []wire.StackFrame, youngest, oldest Span) bool {
	return m.caused(stack) && youngest.Latest >= m.Since-tick || m.initialized(stack, youngest, oldest)
}

// caused reports whether an allocation was made on behalf of the module: whether one of its functions is on the
// way from the allocation out to where the task or the interrupt began.
func (m Module) caused(stack []wire.StackFrame) bool {
	for _, f := range stack {
		if m.Owns(f) {
			return true
		}
		if entersInterrupt(f) {
			return false
		}
	}
	return false
}

// initialized reports whether an allocation passes through the module's init and was made while that ran: any of these times, of the
// youngest and the oldest object of a site, will do.
func (m Module) initialized(stack []wire.StackFrame, made ...Span) bool {
	for _, init := range m.Init {
		passes := slices.ContainsFunc(stack, func(f wire.StackFrame) bool { return in(f, init.Range) })
		if passes && slices.ContainsFunc(made, func(t Span) bool { return t.Latest >= init.From-tick && t.Earliest <= init.Until+tick }) {
			return true
		}
	}
	return false
}
