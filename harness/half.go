package harness

import "ktcp/guest/wire"

// DialHalf begins count connections and never finishes them: see [wire.DialHalf]. It returns when the namespace has as many requests for
// the address as there are clients that wait in this way, in SYN_RECV. [Crowd.Reset] ends them.
func (n *Netns) DialHalf(addr string, count int) *Crowd {
	n.g.tb.Helper()
	want := len(n.HalfOpen(addr)) + count
	answer := call(n.g, wire.DialHalf, wire.DialHalfRequest{Netns: n.name, Addr: addr, Count: count})
	n.awaitHalfOpen(addr, want)
	return &Crowd{g: n.g, first: answer.First, count: count}
}

func (n *Netns) awaitHalfOpen(addr string, want int) {
	n.g.tb.Helper()
	got := 0
	_ = await(Patience, func() (bool, error) {
		got = len(n.HalfOpen(addr))
		return got == want, nil
	})
	if got != want {
		n.g.tb.Errorf("%d connections to %s in %v are in SYN_RECV, want %d", got, addr, n, want)
	}
}

// HalfOpen returns the peers of the requests for an address, in SYN_RECV.
func (n *Netns) HalfOpen(addr string) (peers []string) {
	n.g.tb.Helper()
	for _, s := range call(n.g, wire.Survivors, wire.None{}).Sockets {
		if s.Netns == n.name && s.Local == addr && s.State == "SYN_RECV" {
			peers = append(peers, s.Remote)
		}
	}
	return peers
}
