package harness

import (
	"errors"
	"syscall"

	"ktcp/guest/wire"
)

// DialFrom is Dial from a local address and port of the caller's choice.
func (n *Netns) DialFrom(local, addr string) *Conn {
	n.g.tb.Helper()
	answer := call(n.g, wire.Dial, wire.DialRequest{Netns: n.name, Addr: addr, Local: local, Timeout: n.g.patience()})
	return &Conn{g: n.g, id: answer.Conn, Local: answer.Local, Remote: answer.Remote}
}

// SocketState returns the state of a TCP socket of the namespace, as "TIME_WAIT", and "" where there is none.
func (n *Netns) SocketState(local, remote string) string {
	n.g.tb.Helper()
	for _, s := range call(n.g, wire.Sockets, wire.SocketsRequest{Initial: true}).Sockets {
		if s.Netns == n.name && s.Local == local && s.Remote == remote {
			return s.State
		}
	}
	return ""
}

// AwaitSocket waits until a TCP socket of the namespace is in the state, "" for gone, and fails the test when it is not.
func (n *Netns) AwaitSocket(local, remote, want string) {
	n.g.tb.Helper()
	got := ""
	_ = await(Patience, func() (bool, error) {
		got = n.SocketState(local, remote)
		return got == want, nil
	})
	if got != want {
		n.g.tb.Errorf("socket %s %s in %v is in state %q, want %q", local, remote, n, got, want)
	}
}

// Aborted fails the test unless the kernel of this end has ended the connection, and told its owner so.
func (c *Conn) Aborted() {
	c.g.tb.Helper()
	answer := call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: 1, Timeout: c.g.patience()})
	if !errors.Is(syscall.Errno(answer.Errno), syscall.ECONNABORTED) {
		c.g.tb.Errorf("%s → %s: after %d bytes %s, want %v", c.Remote, c.Local, len(answer.Data), c.g.ending(answer), syscall.ECONNABORTED)
	}
}

// WasReset fails the test unless the peer has ended the connection with RST.
func (c *Conn) WasReset() {
	c.g.tb.Helper()
	answer := call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: 1, Timeout: c.g.patience()})
	if !answer.Reset {
		c.g.tb.Errorf("%s → %s: after %d bytes %s, want RST", c.Remote, c.Local, len(answer.Data), c.g.ending(answer))
	}
}
