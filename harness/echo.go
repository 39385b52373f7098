package harness

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

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

// EchoTraffic starts conns clients that send message, want it back, and begin again on the same connection.
func (n *Netns) EchoTraffic(addr string, conns int, message []byte) *Load {
	n.g.tb.Helper()
	return n.StartLoad(wire.LoadRequest{Addr: addr, Conns: conns, Send: message, Expect: message, KeepAlive: true})
}

// Counter reads one of the counters that a server keeps in the namespace, as "accepted".
func (m *Module) Counter(n *Netns, name string) int {
	m.g.tb.Helper()
	dir := "/sys/kernel/" + m.Name + "/net/data"
	if m.Name == Web.Reference() {
		dir = path.Dir(StatusFile)
	}
	file := path.Join(dir, "statistics", name)
	text := n.ReadFile(file)
	var value int
	if _, err := fmt.Sscanf(text, "%d\n", &value); err != nil {
		m.g.tb.Errorf("%s in %v reads %q, want a number", file, n, text)
	}
	return value
}

// AwaitCounter waits until a counter reads want, and fails the test when it does not.
func (m *Module) AwaitCounter(n *Netns, name string, want int) {
	m.g.tb.Helper()
	got := 0
	_ = await(Patience, func() (bool, error) {
		got = m.Counter(n, name)
		return got == want, nil
	})
	if got != want {
		m.g.tb.Errorf("%s of %s in %v is %d, want %d", name, m.Name, n, got, want)
	}
}

// KernelThreads returns how many kernel threads there are.
func (g *Guest) KernelThreads() int {
	g.tb.Helper()
	return len(call(g, wire.Survivors, wire.None{}).Threads)
}

// WantNobodyInside fails the test when a kernel thread stays inside of the module's code, workers of the kernel's own among them: it
// waits there for some client.
func (m *Module) WantNobodyInside() {
	m.g.tb.Helper()
	var inside []wire.Thread
	_ = await(Patience, func() (bool, error) { // one may just be at work
		inside = call(m.g, wire.Stacks, wire.StacksRequest{Module: m.Name}).Threads
		return len(inside) == 0, nil
	})
	if len(inside) > 0 {
		m.g.tb.Errorf("%d kernel threads stay inside of %s; one of them is %s: %s", len(inside), m.Name, inside[0].Comm, inside[0].Stack)
	}
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
