package harness

import (
	"strconv"
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

// Slab returns how many objects there are in a cache of the kernel, and the bytes that each takes, debugging included.
func (g *Guest) Slab(cache string) (objects, size int) {
	g.tb.Helper()
	for line := range strings.Lines(g.Init().ReadFile("/proc/slabinfo")) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] != cache {
			continue
		}
		objects, err := strconv.Atoi(fields[1])
		if err == nil {
			size, err = strconv.Atoi(fields[3])
		}
		if err != nil {
			g.tb.Fatalf("read /proc/slabinfo: %v", err)
		}
		return objects, size
	}
	g.tb.Errorf("/proc/slabinfo has no cache %s", cache)
	return 0, 0
}
