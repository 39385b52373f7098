package harness

import (
	"slices"
	"time"

	"ktcp/harness/vm"
)

// KernelParameters adds to the kernel's command line. Guests with other parameters come from another template, which is booted for them.
func KernelParameters(params ...string) Option {
	return func(g *Guest) { g.params = append(g.params, params...) }
}

// SMP is a guest of two processors, for a scenario whose point is what happens at the same time. Others do with one: it takes two thirds of
// the host's time, which two emulated ones lose waiting for each other.
func SMP() Option {
	return func(g *Guest) { g.cpus = 2 }
}

// Memory gives the guest that much memory, in MiB.
func Memory(mib int) Option {
	return func(g *Guest) { g.memory = mib }
}

// Unledgered is a guest in which the kernel does not note who allocates what, so that no ledger can be read.
func Unledgered() Option {
	return func(g *Guest) { g.unledgered = true }
}

// PrintedLedger is a guest whose kernel is asked to print its ledger, too. From 6.9 on a kernel that notes who owns pages must not be: it
// allocates memory for that note with every page, and waits for itself when it takes a page for what it prints.
func PrintedLedger() Option {
	return func(g *Guest) { g.prints = true }
}

// UnloadWithin gives modules that long to unload, in guest time, instead of [UnloadDeadline]: for one that is known to take for ever.
func UnloadWithin(d time.Duration) Option {
	return func(g *Guest) { g.deadline = d }
}

// FailingAllocations is a guest whose kernel can make allocations fail. The test is skipped where the kernel cannot, before
// a guest is cloned for nothing.
func FailingAllocations() Option {
	return func(g *Guest) { g.failing = true }
}

// StockAlone is for a test that compares what programs are answered, or what costs how much. A kernel that checks all that it does makes no
// difference to the one, and each program takes many times as long there; the other is lost among what its checks cost, which is never the same
// twice. The test is skipped there.
func StockAlone() Option {
	return func(g *Guest) { g.stock = true }
}

// lacking says why the test is not for this kernel, or "".
func (g *Guest) lacking() string {
	switch k := g.rig.kernel; {
	case g.failing && k.Config["CONFIG_FAILSLAB"] != "y":
		return "takes FLAVOR=kasan: no allocation fails on " + k.Flavor
	case g.stock && g.checksAll():
		return "for FLAVOR=stock: no different on " + k.Flavor
	}
	return ""
}

// shape makes a guest's own of the spec that all share.
func (g *Guest) shape(spec vm.Spec) vm.Spec {
	spec.Clock, spec.CPUs = g.clock, g.processors()
	spec.Append = slices.Clone(spec.Append) // all guests share it
	if g.unledgered {
		spec.Append = slices.DeleteFunc(spec.Append, func(p string) bool { return p == ledgerParameter })
	}
	if g.rig.readsOwners() && !g.unledgered && !g.prints {
		spec.Append = append(spec.Append, pagesParameter)
	}
	// kmemleak notes every allocation, which makes a request take twice as long. It cannot be switched on later.
	if g.rig.kernel.Config["CONFIG_DEBUG_KMEMLEAK"] == "y" && !g.scan {
		spec.Append = append(spec.Append, "kmemleak=off")
	}
	spec.Append = slices.Concat(spec.Append, g.params) // last: they may undo what is before them
	if g.memory > 0 {
		spec.MemoryMiB = g.memory
	}
	return spec
}

// BootTime is how long the guest's template had been up when it was saved, in guest time.
func (g *Guest) BootTime() time.Duration { return g.vm.Hello().Uptime }

// processors is how many processors the guest gets, 0 for what its clock allows. Two where somebody else's module may hold one for itself,
// which is to be seen by what runs on the other, and where data races are looked for, which take two.
func (g *Guest) processors() int {
	switch {
	case g.cpus != 0 || g.clock == vm.Instructions:
		return g.cpus
	case g.stranger != nil || g.rig.kernel.Config["CONFIG_KCSAN"] == "y":
		return 2
	}
	return 1
}
