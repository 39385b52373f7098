package harness

import (
	"os"

	"ktcp/harness/vm"
)

// OnInstructions has the guest count time in instructions, on one processor: what it does takes the same time on every
// machine, and what it waits for within one request takes none of the host's. Between two requests time passes about as
// fast as the host's.
func OnInstructions() Option {
	return func(g *Guest) { g.clock = vm.Instructions }
}

// ForSpeed is OnInstructions for a guest whose speed is measured: the kernel does not note who allocates what, which makes
// each allocation several times as slow. So the ledger cannot be read in such a guest, and is not.
func ForSpeed() Option {
	return func(g *Guest) { g.clock, g.unledgered = vm.Instructions, true }
}

// ClockVariable names the clock of benchmarks: "instructions", the default, or "realtime".
const ClockVariable = "CLOCK"

// ForBenchmark is ForSpeed on the clock that CLOCK names: a guest in real time has one processor too, and its numbers are those of the
// machine, as busy as it happens to be. They are comparable with none of another clock.
func ForBenchmark() Option {
	return func(g *Guest) {
		ForSpeed()(g)
		switch clock := os.Getenv(ClockVariable); clock {
		case "", string(vm.Instructions):
		case string(vm.Realtime):
			g.clock, g.cpus = vm.Realtime, 1
		default:
			g.tb.Fatalf("%s=%s: choose %s or %s", ClockVariable, clock, vm.Instructions, vm.Realtime)
		}
	}
}
