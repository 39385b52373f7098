package harness

import (
	"strings"

	"ktcp/guest/wire"
)

// sockets are the kernel's caches that hold a socket and what belongs to it whoever opened it.
var sockets = map[string]bool{"TCP": true, "TCPv6": true, "sock_inode_cache": true, "request_sock_TCP": true, "request_sock_TCPv6": true}

// Held returns how many bytes of the kernel's memory are alive that were allocated on behalf of the module, by the ledger: those of
// sockets, and all others.
func (m *Module) Held() (inSockets, beside int) {
	g := m.g
	g.tb.Helper()
	answer, err := g.ledger(programDeadline, 0, m.ledgerRequest())
	if err != nil {
		g.tb.Fatalf("read the ledger: %v", err)
	}
	if answer.Caches == 0 {
		g.tb.Fatal("this kernel keeps no ledger")
	}
	for _, s := range answer.Sites {
		if sockets[s.Cache] {
			inSockets += s.Count * s.Size
		} else {
			beside += s.Count * s.Size
		}
	}
	return inSockets, beside
}

// ledgerRequest asks for what is alive of the module, wherever it was loaded.
func (m *Module) ledgerRequest() wire.LedgerRequest {
	var text []wire.Range
	for _, l := range m.g.loads {
		if l.Name == m.Name {
			text = append(text, l.symbols.Text()...)
		}
	}
	return wire.LedgerRequest{Name: m.Name, Text: text, Since: m.g.since()}
}

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
