package harness

import (
	"time"

	"ktcp/guest/wire"
)

// Crowd is many connections that do nothing.
type Crowd struct {
	g     *Guest
	first uint64
	count int
}

// crowdPatience is how long it may take to open a crowd, in guest time.
const crowdPatience = 50 * time.Second

// DialMany opens count connections and leaves them alone.
func (n *Netns) DialMany(addr string, count int) *Crowd {
	n.g.tb.Helper()
	answer := call(n.g, wire.DialMany, wire.DialManyRequest{Netns: n.name, Addr: addr, Count: count, Timeout: crowdPatience})
	return &Crowd{g: n.g, first: answer.First, count: count}
}

// Reset closes all of them with RST.
func (c *Crowd) Reset() {
	c.g.tb.Helper()
	call(c.g, wire.CloseMany, wire.CloseManyRequest{First: c.first, Count: c.count})
}

// HangUp closes all connections that clients hold in the guest, with RST, and ends what they do in the background: also those that try to
// connect until somebody answers.
func (g *Guest) HangUp() {
	g.tb.Helper()
	call(g, wire.CloseAll, wire.None{})
}
