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
	return g.swept && (f.Kind == finding.OOM && f.Module == "" || f.Kind == finding.Splat && saysNoMemory(f.Title))
}

// saysNoMemory reports whether a line of the kernel log says that something failed because memory was refused: -ENOMEM in so many
// words, or a slab cache that was not made, which 6.12 also calls -EINVAL.
func saysNoMemory(title string) bool {
	return strings.Contains(title, "-12") || strings.Contains(title, "kmem_cache_create") && strings.Contains(title, "failed with error")
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
	reported := false
	end := 0 // the first allocation that there is not
	try := func() (over bool) {
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
			reported = true
			return true
		}
		last := answer.Undisturbed
		if last != nil && last.Errno != 0 {
			g.tb.Errorf("%s fails with %v although no allocation does", what, syscall.Errno(last.Errno))
		}
		if last != nil {
			end = last.N
		}
		return last != nil
	}
	if err := eachBatch(&req, try); err != nil {
		g.tb.Fatalf("%s: %v", what, err)
	}
	// Right behind the last allocation of the call the agent's own reads and writes of fail-nth are those that fail. And a call does not make
	// as many each time: what the slab has no room for takes a page, and a note of who took it.
	first := end
	for n, quiet := end+1, 0; req.Stride == 1 && !reported && quiet < 2; n++ {
		if n > first+mostBehind {
			g.tb.Fatalf("%s: it made %d allocations, and then more each time", what, first-1)
		}
		req.First, req.Count = n, 1
		if try() {
			quiet++
		} else {
			quiet = 0
		}
	}
	if reported {
		return
	}
	if failed == 0 {
		g.tb.Errorf("%s: not one allocation could be made to fail", what)
	}
	g.tb.Logf("%s: %d allocations failed in turn, calls by outcome: %v", what, failed, outcomes)
}

// mostBehind is how many allocations more than at first a call may come to make: up to five were seen on 6.12.
const mostBehind = 20

// errSweepMost is a sweep that came to no end: what it did not try may hide anything.
var errSweepMost = fmt.Errorf("more than %d allocations, of which the rest was not tried", sweepMost)

// eachBatch has one batch of allocations after the other tried, until that is over.
func eachBatch(req *wire.SweepRequest, try func() (over bool)) error {
	for req.First, req.Count = 1, sweepBatch; req.First < sweepMost; req.First += req.Count * req.Stride {
		if try() {
			return nil
		}
	}
	return errSweepMost
}
