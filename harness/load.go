package harness

import "ktcp/guest/wire"

// Load is traffic that clients in the guest make until it is stopped.
type Load struct {
	g  *Guest
	id uint64
}

// Traffic starts conns clients that connect from inside the namespace, ask for /, check the answer against want (nothing
// is checked beyond "not empty" when want is empty) and begin again.
func (n *Netns) Traffic(addr string, conns int, want []byte) *Load {
	n.g.tb.Helper()
	answer := call(n.g, wire.LoadStart, wire.LoadRequest{
		Netns: n.name, Addr: addr, Conns: conns, Expect: want,
		Send: []byte("GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: close\r\n\r\n"),
	})
	return &Load{g: n.g, id: answer.Load}
}

// Stop stops the clients and returns what they saw. Answers that were wrong or cut short are findings whatever the
// scenario was doing meanwhile: a server may refuse, it may not lie.
func (l *Load) Stop() wire.LoadResult {
	l.g.tb.Helper()
	result := call(l.g, wire.LoadStop, wire.LoadStopRequest{Load: l.id})
	if bad := result.Wrong + result.Short; bad > 0 {
		l.g.wireFinding("%d of %d answers were wrong or cut short, the first: %s", bad, bad+result.Good, result.Sample)
	}
	if result.Timeout > 0 {
		l.g.wireFinding("%d clients got no answer for 5 s: %s", result.Timeout, result.Sample)
	}
	return result
}
