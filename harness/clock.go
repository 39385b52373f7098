package harness

import "ktcp/harness/vm"

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
