package harness

import (
	"errors"
	"slices"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// ScanForLeaks has the kernel itself look for leaks when the module is gone, on kernels that can. The ledger sees all that comes from the slab
// and from vmalloc, at once; the scan also sees per-cpu memory, and needs at least five seconds.
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
	answer, err := tryWithin(g, scanDeadline, wire.Kmemleak, wire.KmemleakRequest{Until: g.unloaded})
	if err != nil {
		g.blind(finding.OracleKmemleak, err)
		return
	}
	for _, f := range finding.ParseKmemleak(answer.Text) {
		if f.Kind != finding.Kmemleak {
			g.blind(finding.OracleKmemleak, errors.New("kmemleak said: "+f.Title))
			continue
		}
		if slices.ContainsFunc(f.Stack, g.owns) {
			g.found(f)
		}
	}
}

// owns reports whether a frame is in a module that the scenario loaded, be it still there or not.
func (g *Guest) owns(f finding.Frame) bool {
	return slices.ContainsFunc(g.loads, func(l load) bool {
		return f.Module == l.Name || f.Func == "" && slices.ContainsFunc(l.symbols.Text(), func(r wire.Range) bool {
			return uint64(f.Addr) >= r.Start && uint64(f.Addr) < r.End
		})
	})
}

// announced reports whether a finding is only that our scan found something, be it the module's or not: the scan itself says what.
func (g *Guest) announced(f finding.Finding) bool {
	return g.scan && f.Kind == finding.Kmemleak && f.Oracle == finding.OracleLog && len(f.Stack) == 0
}

// noteUnloaded keeps when the last module had gone, in guest time.
func (g *Guest) noteUnloaded(at time.Duration) { g.unloaded = max(g.unloaded, at) }
