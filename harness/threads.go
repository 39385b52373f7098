package harness

import (
	"strings"

	"ktcp/guest/wire"
)

// Kthreads returns how many threads of the kernel there are that serve one purpose: the workers of workqueues come and go
// with whatever there is to do.
func (g *Guest) Kthreads() int {
	g.tb.Helper()
	n := 0
	for _, t := range call(g, wire.Survivors, wire.None{}).Threads {
		if !strings.HasPrefix(t.Comm, "kworker/") {
			n++
		}
	}
	return n
}

// WantNobodyInside fails the test when a kernel thread stays inside of the module's code, workers of the kernel's own among them: it
// waits there for some client.
func (m *Module) WantNobodyInside() {
	m.g.tb.Helper()
	var inside []wire.Thread
	_ = await(Patience, func() (bool, error) { // one may just be at work
		inside = call(m.g, wire.Stacks, wire.StacksRequest{Module: m.Name}).Threads
		return len(inside) == 0, nil
	})
	if len(inside) > 0 {
		m.g.tb.Errorf("%d kernel threads stay inside of %s; one of them is %s: %s", len(inside), m.Name, inside[0].Comm, inside[0].Stack)
	}
}
