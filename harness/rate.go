package harness

import "ktcp/guest/wire"

// EchoRate has conns clients send a message and wait for it to come back, until that has happened often enough, and returns how often
// it did a second, of guest time. A message that comes back changed, or not at all, fails the test.
func (n *Netns) EchoRate(addr string, conns, messages int, message []byte) float64 {
	n.g.tb.Helper()
	result, err := tryWithin(n.g, programDeadline, wire.LoadRun, wire.LoadRequest{
		Netns: n.name, Addr: addr, Conns: conns, Requests: messages, Send: message, Expect: message, KeepAlive: true,
	})
	if err != nil {
		n.g.tb.Fatalf("echo load on %s: %v", addr, err)
	}
	if bad := result; bad.Good != messages {
		n.g.tb.Fatalf("echo load on %s: %d of %d messages came back: %+v", addr, bad.Good, messages, bad)
	}
	return float64(result.Good) / result.Elapsed.Seconds()
}
