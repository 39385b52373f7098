package harness

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"time"

	"ktcp/guest/wire"
)

// Patience is how long, in guest time, a client waits for an answer before it counts as missing.
const Patience = 5 * time.Second

// patience is Patience on the guest's kernel.
func (g *Guest) patience() time.Duration {
	if g.checksAll() {
		return debugFactor * Patience
	}
	return Patience
}

// Conn is a TCP connection of a client in the guest.
type Conn struct {
	g      *Guest
	id     uint64
	Local  string // address:port of the client
	Remote string // address:port of the server
	ahead  []byte // what came behind the last [Conn.Answer]
}

// Dial connects to an address from inside the namespace.
func (n *Netns) Dial(addr string) *Conn {
	n.g.tb.Helper()
	answer := call(n.g, wire.Dial, wire.DialRequest{Netns: n.name, Addr: addr, Timeout: n.g.patience()})
	return &Conn{g: n.g, id: answer.Conn, Local: answer.Local, Remote: answer.Remote}
}

// Refuses fails the test unless connecting to the address is answered with a RST at once: nobody listens.
func (n *Netns) Refuses(addr string) {
	n.g.tb.Helper()
	answer, err := try(n.g, wire.Dial, wire.DialRequest{Netns: n.name, Addr: addr, Timeout: n.g.patience()})
	switch {
	case err == nil:
		call(n.g, wire.CloseConn, wire.CloseRequest{Conn: answer.Conn, Mode: wire.CloseReset})
		n.g.tb.Errorf("%s accepts connections in %v, want connection refused", addr, n)
	case !errors.Is(err, syscall.ECONNREFUSED):
		n.g.tb.Errorf("connecting to %s in %v: %v, want connection refused", addr, n, err)
	}
}

// Send sends all of data.
func (c *Conn) Send(data string) {
	c.g.tb.Helper()
	call(c.g, wire.Send, wire.SendRequest{Conn: c.id, Data: []byte(data), Timeout: c.g.patience()})
}

// Recv returns what comes until at least want bytes are there; fewer fail the test.
func (c *Conn) Recv(want int) []byte {
	c.g.tb.Helper()
	answer := call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: want, Timeout: c.g.patience()})
	if len(answer.Data) < want {
		c.g.wireFinding("%s → %s: %d bytes came, want %d, then %s", c.Remote, c.Local, len(answer.Data), want, c.g.ending(answer))
		c.g.waited(answer.TimedOut)
	}
	return answer.Data
}

// RecvAll returns what comes until the peer closes, and fails the test unless it closes properly, with FIN.
func (c *Conn) RecvAll() []byte {
	c.g.tb.Helper()
	answer := c.recvEnd()
	if !answer.EOF {
		c.g.wireFinding("%s → %s: after %d bytes %s, want FIN", c.Remote, c.Local, len(answer.Data), c.g.ending(answer))
		c.g.waited(answer.TimedOut)
	}
	return answer.Data
}

// Ends fails the test unless the peer ends the connection, by FIN or RST, without sending anything more: what a client that waits
// may see when the server is switched off.
func (c *Conn) Ends() {
	c.g.tb.Helper()
	answer := c.recvEnd()
	if len(answer.Data) > 0 {
		c.g.wireFinding("%s → %s: %q came on a connection that should just end", c.Remote, c.Local, clip(answer.Data))
	}
	if !answer.EOF && !answer.Reset {
		c.g.wireFinding("%s → %s: the connection was not ended: %s", c.Remote, c.Local, c.g.ending(answer))
	}
}

// Silent fails the test when anything comes, or the connection ends, within the time given (guest time).
func (c *Conn) Silent(d time.Duration) {
	c.g.tb.Helper()
	answer := call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: 1, Timeout: d})
	if !answer.TimedOut {
		c.g.wireFinding("%s → %s: want silence, got %q and %s", c.Remote, c.Local, clip(answer.Data), c.g.ending(answer))
	}
}

// CloseWrite half-closes: the peer reads the end of the stream, this side can still receive.
func (c *Conn) CloseWrite() { c.g.tb.Helper(); c.close(wire.CloseWrite) }

// Close closes the connection with FIN.
func (c *Conn) Close() { c.g.tb.Helper(); c.close(wire.CloseFIN) }

// Reset closes the connection with RST.
func (c *Conn) Reset() { c.g.tb.Helper(); c.close(wire.CloseReset) }

func (c *Conn) close(mode wire.CloseMode) {
	c.g.tb.Helper()
	call(c.g, wire.CloseConn, wire.CloseRequest{Conn: c.id, Mode: mode})
}

func (c *Conn) recvEnd() wire.RecvAnswer {
	c.g.tb.Helper()
	return call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: -1, Timeout: c.g.patience()})
}

// mostSilences is how often clients of a scenario wait in vain before it ends: each time takes [Patience], and the next ones would say
// nothing new.
const mostSilences = 3

// waited counts a client that got no answer, if it did not, and ends the scenario where there were enough of them.
func (g *Guest) waited(inVain bool) {
	g.tb.Helper()
	if !inVain {
		return
	}
	if g.silences.Add(1) >= mostSilences {
		g.tb.FailNow()
	}
}

// nothingFor begins the words for a peer that neither says anything nor ends.
const nothingFor = "nothing for "

// ending says in words how a receive ended.
func (g *Guest) ending(a wire.RecvAnswer) string {
	switch {
	case a.EOF:
		return "FIN"
	case a.Reset:
		return "RST"
	case a.TimedOut:
		return nothingFor + g.patience().String()
	case a.Errno != 0:
		return syscall.Errno(a.Errno).Error()
	}
	return "more to come"
}

// clip shortens bytes for a message.
func clip(b []byte) []byte {
	const most = 200
	if len(b) <= most {
		return b
	}
	return append(bytes.Clone(b[:most]), "..."...)
}

// Unanswered fails the test unless connecting to the address gets neither an answer nor a refusal for a while: the backlog is full.
func (n *Netns) Unanswered(addr string) {
	n.g.tb.Helper()
	const wait = 300 * time.Millisecond
	answer, err := try(n.g, wire.Dial, wire.DialRequest{Netns: n.name, Addr: addr, Timeout: wait})
	switch {
	case err == nil:
		call(n.g, wire.CloseConn, wire.CloseRequest{Conn: answer.Conn, Mode: wire.CloseReset})
		n.g.tb.Errorf("%s accepts connections in %v, want no answer within %v", addr, n, wait)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		n.g.tb.Errorf("connecting to %s in %v: %v, want no answer within %v", addr, n, err, wait)
	}
}
