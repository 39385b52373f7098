package scenarios

import (
	"bytes"
	"testing"
	"time"

	"ktcp/harness"
)

// message has every value of a byte, and a length that is no power of two.
var message = func() []byte {
	m := make([]byte, 0, 3*256+1)
	for i := range cap(m) {
		m = append(m, byte(i*7))
	}
	return m
}()

func TestEchoOfEverySize(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	one := g.Init().Dial(kecho.Addr)
	for _, size := range []int{1, 2, 255, 256, 257, 1460, 4095, 4096, 16383, 16384, 16385, 65536, 100_000, 262_145, 1 << 20} {
		one.Echo(size)
		another := g.Init().Dial(kecho.Addr)
		another.Echo(size)
		another.Close()
	}
	one.Close()
}

func TestEchoSplitAnywhere(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	c := g.Init().Dial(kecho.Addr)
	for _, piece := range []int{1, 2, 3, 7, 100, 255, 256, 257, 1459, 4097, 20_000} {
		c.EchoInPieces(50*piece+1, piece)
	}
}

// A person at a terminal: one line, its answer, a pause, another.
func TestEchoOfLines(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	c := g.Init().Dial(kecho.Addr)
	for _, line := range []string{"hello\r\n", "\r\n", "\x00\xff\n", "no newline"} {
		c.Send(line)
		if got := string(c.Recv(len(line))); got != line {
			t.Errorf("echo of %q is %q", line, got)
		}
	}
	c.CloseWrite()
	if rest := c.RecvAll(); len(rest) > 0 {
		t.Errorf("%q came after everything was echoed", rest)
	}
}

// The client has said its last word: what it has said is answered all the same, and then the server says its own.
func TestEchoHalfClosed(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	kecho.Needs(harness.FeatureHalfClose)
	for _, size := range []int{0, 1, 1000, 65_537, 1 << 20} {
		c := g.Init().Dial(kecho.Addr)
		c.EchoToTheEnd(size)
		c.Close()
	}
	// Also when the answer has long been waiting for its reader.
	slow := g.Init().Dial(kecho.Addr)
	slow.EchoFill()
	slow.EchoToTheEnd(0)
}

// Who sends and does not read stops itself, and nobody else.
func TestEchoToASlowReader(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	var slow []*harness.Conn
	for range 3 { // more than there are processors; four take more than tcp_mem of so small a guest, and segments are dropped
		c := g.Init().Dial(kecho.Addr)
		if c.EchoFill() == 0 {
			t.Error("a new connection takes not one byte")
		}
		slow = append(slow, c)
		g.Init().Dial(kecho.Addr).Echo(10_000)
	}
	for _, c := range slow {
		c.Echo(0) // everything comes, now that it is read
		c.Echo(1000)
	}
}

// Who has said its last word may take its time to read: our FIN waits in the send queue behind what it has not taken yet.
func TestEchoToALateReader(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kecho := g.Serve(harness.Echo)
	kecho.Needs(harness.FeatureHalfClose)
	other := g.Init().Dial(kecho.Addr)
	for _, late := range []time.Duration{3 * time.Second, 30 * time.Second} {
		c := g.Init().Dial(kecho.Addr)
		c.EchoSend(200_000)
		c.CloseWrite()
		other.Silent(late)
		c.EchoToTheEnd(0)
		c.Close()
	}
}

// Not for ever: one that takes nothing at all is reset when its time is over.
func TestEchoToNoReader(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kecho := g.Serve(harness.Echo, "timeout_ms=8000")
	kecho.Needs(harness.FeatureHalfClose, harness.FeatureStatistics)
	c := g.Init().Dial(kecho.Addr)
	c.EchoSend(200_000)
	c.CloseWrite()
	other := g.Init().Dial(kecho.Addr)
	other.Silent(6 * time.Second)
	kecho.AwaitCounter(g.Init(), "errors", 0)
	other.Echo(1)
	other.Silent(6 * time.Second)
	kecho.AwaitCounter(g.Init(), "errors", 1)
	if got := c.RecvReset(); got >= 200_000 {
		t.Errorf("a client that reads nothing for a long time got all %d bytes", got)
	}
}

func TestEchoOfManyAtOnce(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	// A connection that finds the queue full is tried again after 1, 3, 7 and 15 s: on a slow machine as long as any patience.
	kecho := g.Serve(harness.Echo, "backlog=1024")
	traffic := g.Init().EchoTraffic(kecho.Addr, 200, message)
	var conns []*harness.Conn
	for range 10 {
		c := g.Init().Dial(kecho.Addr)
		c.Echo(30_000)
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.EchoInPieces(5000, 500)
		c.Reset() // no farewell
	}
	result := traffic.Stop()
	if result.Good == 0 || result.Reset+result.Empty+result.Refused > 0 {
		t.Errorf("200 clients at once: %+v, want all of them answered", result)
	}
}

// Connections come and go without any of them being left.
func TestEchoCounts(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	kecho.Needs(harness.FeatureStatistics)
	n := g.Init()
	for _, name := range []string{"active", "accepted", "closed", "timed_out", "errors", "bytes_in", "bytes_out"} {
		if got := kecho.Counter(n, name); got != 0 {
			t.Errorf("%s is %d before anybody came", name, got)
		}
	}
	polite, rude, there := n.Dial(kecho.Addr), n.Dial(kecho.Addr), n.Dial(kecho.Addr)
	polite.EchoToTheEnd(1000)
	polite.Close()
	rude.Echo(500)
	rude.Reset()
	there.Echo(50)
	for name, want := range map[string]int{
		"active": 1, "accepted": 3, "closed": 2, "errors": 1, "timed_out": 0, "bytes_in": 1550, "bytes_out": 1550,
	} {
		kecho.AwaitCounter(n, name, want)
	}
}

func TestEchoTimeout(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo, "timeout_ms=700")
	n := g.Init()
	silent := n.Dial(kecho.Addr)
	once := n.Dial(kecho.Addr)
	once.Echo(100)
	if rest := silent.RecvAll(); len(rest) > 0 {
		t.Errorf("%q came on a connection that ran out of time", rest)
	}
	once.RecvAll()
	silent.Close()
	once.Close()
	kecho.AwaitCounter(n, "timed_out", 2)
	kecho.AwaitCounter(n, "active", 0)
}

// Also when they are more than are looked at in one go, and leave while that goes on.
func TestEchoTimeoutOfMany(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo, "timeout_ms=700")
	kecho.Needs(harness.FeatureStatistics)
	n := g.Init()
	const silent = 300
	crowd := n.DialMany(kecho.Addr, silent)
	kecho.AwaitCounter(n, "accepted", silent)
	// Each has had our FIN, which it does not answer: we wait two seconds for that.
	kecho.AwaitCounter(n, "timed_out", silent)
	crowd.Reset()
	kecho.AwaitCounter(n, "active", 0)
}

// At the limit the others wait in the backlog: whoever leaves makes room.
func TestEchoConnectionLimit(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo, "max_conns=2")
	n := g.Init()
	first, second, third := n.Dial(kecho.Addr), n.Dial(kecho.Addr), n.Dial(kecho.Addr)
	first.Echo(10)
	second.Echo(10)
	third.Send("patience")
	kecho.AwaitCounter(n, "active", 2)
	first.Close()
	if got := third.Recv(8); !bytes.Equal(got, []byte("patience")) {
		t.Errorf("echo after the wait is %q", got)
	}
	second.Echo(10)
}
