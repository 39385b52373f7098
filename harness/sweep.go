package harness

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// moduleSpace is where x86-64 kernels place modules: MODULES_VADDR to MODULES_END in the kernel's mm.rst.
var moduleSpace = wire.Range{Start: 0xffffffffa0000000, End: 0xffffffffff000000}

// The bounds of a sweep.
const (
	sweepBatch = 16   // calls between two looks at the kernel log
	sweepMost  = 4096 // allocations in one call: no init makes as many
)

// sweepVariable is sweepAll for every allocation. Otherwise every sweepStride-th is tried: a call with hundreds of them takes minutes
// on a kernel that checks all that it does.
const (
	sweepVariable = "SWEEP"
	sweepAll      = "all"
	sweepStride   = 17
)

// stride returns how far apart the allocations are that are tried, and notes what made it so.
func (g *Guest) stride() int {
	g.tb.Helper()
	if os.Getenv(sweepVariable) != sweepAll {
		return sweepStride
	}
	g.Again(sweepVariable + "=" + sweepAll)
	return 1
}

// SweepInsmod has insmod of the module fail at its first, second, ... allocation, whether the module makes it or the kernel on its
// behalf, until none is left. Each insmod must be refused, or go on without, and leave nothing behind; the module must unload after
// one that went on. The module must not be loaded.
func (m *Module) SweepInsmod() {
	m.g.tb.Helper()
	b := m.g.build(m.Name)
	m.g.sweep("insmod "+m.Name, wire.SweepRequest{
		Insmod: &wire.InsmodRequest{Name: b.Name, Image: b.image, Params: m.params},
	})
}

// SweepWrite has a write to a file fail at its first, second, ... allocation. Where the write goes on, undo is written after it.
func (n *Netns) SweepWrite(path, value, undo string) {
	n.g.tb.Helper()
	n.g.sweep(fmt.Sprintf("write %s to %s", value, path), wire.SweepRequest{
		Write: &wire.WriteRequest{Netns: n.name, Path: path, Data: []byte(value)}, Undo: []byte(undo),
	})
}

// SweepNetns has the creation of a network namespace fail at its first, second, ... allocation.
func (g *Guest) SweepNetns() {
	g.tb.Helper()
	g.sweep("unshare a network namespace", wire.SweepRequest{Netns: true})
}

// provoked tells of a report that says no more than that an allocation has failed, where the scenario has made it fail: the
// kernel says so of its own.
func (g *Guest) provoked(f finding.Finding) bool {
	noMemory := f.Kind == finding.OOM && f.Module == "" ||
		f.Kind == finding.Splat && strings.Contains(f.Title, "-12") // -ENOMEM, in so many words
	return g.swept && noMemory
}

// sweep goes through all allocations of a call, until a finding shows or none is left.
func (g *Guest) sweep(what string, req wire.SweepRequest) {
	g.tb.Helper()
	g.swept = true
	req.Deadline = g.unloadDeadline()
	outcomes := map[syscall.Errno]int{}
	failed := 0
	req.Stride = g.stride()
	if req.Write != nil { // has few
		req.Stride = 1
	}
	for req.First, req.Count = 1, sweepBatch; req.First < sweepMost; req.First += req.Count * req.Stride {
		answer := call(g, wire.Sweep, req)
		steps := answer.Steps
		failed += len(steps)
		if answer.Undisturbed != nil {
			steps = append(steps, *answer.Undisturbed)
		}
		for _, step := range steps {
			outcomes[syscall.Errno(step.Errno)]++
			if step.Undo != "" {
				g.tb.Fatalf("%s, its allocation %d failing, could not be undone: %s", what, step.N, step.Undo)
			}
		}
		g.readKernelLog()
		if found := g.reports(); len(found) > 0 {
			g.tb.Errorf("%s: the kernel log has a report after allocations %d to %d had failed", what, req.First, steps[len(steps)-1].N)
			return
		}
		if last := answer.Undisturbed; last != nil {
			if last.Errno != 0 {
				g.tb.Errorf("%s fails with %v although no allocation does", what, syscall.Errno(last.Errno))
			}
			break
		}
	}
	if failed == 0 {
		g.tb.Errorf("%s: not one allocation could be made to fail", what)
	}
	g.tb.Logf("%s: %d allocations failed in turn, calls by outcome: %v", what, failed, outcomes)
}
