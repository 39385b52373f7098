package harness

import (
	"slices"

	"ktcp/guest/wire"
)

// DialHalf begins count connections and never finishes them: see [wire.DialHalf]. It returns when the namespace has a request for the address, in
// SYN_RECV, for each of these clients. [Crowd.Reset] ends them.
func (n *Netns) DialHalf(addr string, count int) *Crowd {
	n.g.tb.Helper()
	before := n.HalfOpen(addr) // of a listener that is gone, say: they end in their own time
	answer := call(n.g, wire.DialHalf, wire.DialHalfRequest{Netns: n.name, Addr: addr, Count: count})
	got := 0
	_ = await(Patience, func() (bool, error) {
		got = len(slices.DeleteFunc(n.HalfOpen(addr), func(peer string) bool { return slices.Contains(before, peer) }))
		return got == count, nil
	})
	if got != count {
		n.g.tb.Errorf("%d new connections to %s in %v are in SYN_RECV, want %d", got, addr, n, count)
	}
	return &Crowd{g: n.g, first: answer.First, count: count}
}

// HalfOpen returns the peers of the requests for an address, in SYN_RECV.
func (n *Netns) HalfOpen(addr string) (peers []string) {
	n.g.tb.Helper()
	for _, s := range call(n.g, wire.Sockets, wire.SocketsRequest{Initial: true}).Sockets {
		if s.Netns == n.name && s.Local == addr && s.State == "SYN_RECV" {
			peers = append(peers, s.Remote)
		}
	}
	return peers
}
