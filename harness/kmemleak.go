package harness

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// ScanForLeaks has the kernel itself look for leaks when the module is gone, on kernels that can. The ledger sees all that comes from the slab
// and from vmalloc, at once; the scan also sees what kmalloc has from the page allocator, and needs at least five seconds.
func ScanForLeaks() Option {
	return func(g *Guest) { g.scan = true }
}

// scanDeadline is the watchdog of the scan, in wall time: it looks at every word of memory, twice.
const scanDeadline = 5 * time.Minute

// judgeKmemleak looks for objects of the modules that nothing points to.
func (g *Guest) judgeKmemleak() {
	g.tb.Helper()
	if !g.scan || g.rig.kernel.Config["CONFIG_DEBUG_KMEMLEAK"] != "y" {
		return
	}
	answer, err := tryWithin(g, scanDeadline, wire.Kmemleak, wire.None{})
	if err == nil {
		err = g.judgeObjects(answer)
	}
	if err != nil {
		g.blind(finding.OracleKmemleak, err)
	}
}

// judgeObjects keeps those of the objects that were allocated on behalf of a module.
func (g *Guest) judgeObjects(answer wire.KmemleakAnswer) error {
	g.tb.Helper()
	hz, err := strconv.ParseUint(g.rig.kernel.Config["CONFIG_HZ"], 10, 32)
	if err != nil || hz == 0 {
		return fmt.Errorf("CONFIG_HZ is %q: the age of objects is not known", g.rig.kernel.Config["CONFIG_HZ"])
	}
	requests := g.ledgerRequests()
	for _, f := range finding.ParseKmemleak(answer.Text) {
		if f.Kind != finding.Kmemleak {
			g.blind(finding.OracleKmemleak, errors.New("kmemleak said: "+f.Title))
			continue
		}
		if owner := ownerOf(f, madeAt(f, answer, hz), requests); owner != "" {
			f.Module = owner
			g.found(f)
		}
	}
	return nil
}

// madeAt is when an object was made, by the answer's clock. Where the kernel does not say, it may have been at any time.
func madeAt(f finding.Finding, answer wire.KmemleakAnswer, hz uint64) cause.Span {
	jiffies, ok := finding.MadeAt(f)
	if !ok || jiffies > answer.Jiffies {
		return cause.Span{Latest: answer.Now}
	}
	age := time.Duration(answer.Jiffies-jiffies) * time.Second / time.Duration(hz)
	tick := time.Second / time.Duration(hz)
	return cause.Span{Earliest: answer.Now - age - tick, Latest: answer.Now - age + tick}
}

// ownerOf returns the module that an object was allocated on behalf of, be it still there or not, or "": by the same judgement as the
// ledger's.
func ownerOf(f finding.Finding, made cause.Span, requests []wire.LedgerRequest) string {
	var stack []wire.StackFrame
	for _, fr := range f.Stack {
		stack = append(stack, wire.StackFrame{Func: fr.Func, Offset: fr.Offset, Size: fr.Size, Module: fr.Module, Addr: uint64(fr.Addr)})
	}
	i := slices.IndexFunc(requests, func(r wire.LedgerRequest) bool { return cause.Asked(r).Counts(stack, made, made) })
	if i < 0 {
		return ""
	}
	return requests[i].Name
}

// announced reports whether a finding is only that our scan found something, be it the module's or not: the scan itself says what.
func (g *Guest) announced(f finding.Finding) bool {
	return g.scan && f.Kind == finding.Kmemleak && f.Oracle == finding.OracleLog && len(f.Stack) == 0
}
