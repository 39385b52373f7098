package harness

import (
	"fmt"
	"syscall"

	"ktcp/guest/wire"
)

// Echo sends size bytes, all values among them, and fails the test unless exactly these come back.
func (c *Conn) Echo(size int) { c.g.tb.Helper(); c.EchoInPieces(size, 0) }

// EchoInPieces is Echo with sends of the given size.
func (c *Conn) EchoInPieces(size, piece int) {
	c.g.tb.Helper()
	c.echo(wire.EchoRequest{Send: int64(size), Piece: piece, Receive: true})
}

// EchoToTheEnd is Echo that half-closes after the last byte: everything must come back, and then FIN.
func (c *Conn) EchoToTheEnd(size int) {
	c.g.tb.Helper()
	answer := c.echo(wire.EchoRequest{Send: int64(size), Receive: true, HalfClose: true})
	if answer.Errno == 0 && !answer.Reset && !answer.TimedOut && !answer.EOF {
		c.g.wireFinding("%s → %s: no FIN after the last byte", c.Remote, c.Local)
	}
}

// EchoFill sends, without receiving anything, until the connection takes no more, and returns how much it took: the server cannot
// get rid of its answers. A later Echo, of 0 bytes or more, wants all of it back.
func (c *Conn) EchoFill() int {
	c.g.tb.Helper()
	return int(c.echo(wire.EchoRequest{Send: -1}).Sent)
}

// EchoSend sends and does not wait for what comes back: a later Echo does.
func (c *Conn) EchoSend(size int) { c.g.tb.Helper(); c.echo(wire.EchoRequest{Send: int64(size)}) }

// echo asks for it and reports what is wrong with the answer.
func (c *Conn) echo(req wire.EchoRequest) wire.EchoAnswer {
	c.g.tb.Helper()
	req.Conn, req.Timeout = c.id, c.g.patience()
	answer := call(c.g, wire.Echo, req)
	what := ""
	switch {
	case answer.Differs >= 0:
		what = fmt.Sprintf("byte %d of the stream is wrong", answer.Differs)
	case answer.Reset:
		what = "RST"
	case answer.TimedOut:
		what = nothingFor + c.g.patience().String()
	case answer.Errno != 0:
		what = syscall.Errno(answer.Errno).Error()
	case answer.EOF && !req.HalfClose:
		what = "FIN"
	case req.Receive && req.HalfClose && answer.Received < answer.Sent:
		what = "FIN before the last byte"
	}
	if what != "" {
		c.g.wireFinding("%s → %s: echo of %d bytes: after %d were sent and %d received: %s", c.Remote, c.Local, req.Send,
			answer.Sent, answer.Received, what)
		c.g.waited(answer.TimedOut)
	}
	return answer
}

// EchoTraffic starts conns clients that send message, want it back, and begin again on the same connection.
func (n *Netns) EchoTraffic(addr string, conns int, message []byte) *Load {
	n.g.tb.Helper()
	return n.StartLoad(wire.LoadRequest{Addr: addr, Conns: conns, Send: message, Expect: message, KeepAlive: true})
}
