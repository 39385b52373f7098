package scenarios

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ktcp/harness"
)

// rmmodState is what clients are doing when the module is told to go.
type rmmodState struct {
	name   string
	params []string
	// enter brings connections into the state.
	enter func(n *harness.Netns, addr string)
}

// anyRmmod are the states in which nobody has said anything yet: they are the same to every protocol.
var anyRmmod = []rmmodState{
	{"fresh", nil, func(*harness.Netns, string) {}},
	{"just connected", nil, func(n *harness.Netns, addr string) { n.DialMany(addr, 64) }},
	// Handshakes that never end: the listener is asked about each after it has gone.
	{"pending SYNs", nil, func(n *harness.Netns, addr string) { n.DialHalf(addr, 20) }},
	{"pending SYNs and no room", []string{"max_conns=1", "backlog=4"}, func(n *harness.Netns, addr string) {
		n.Dial(addr)
		n.DialHalf(addr, 4)
	}},
}

// echoRmmod are those of an echo.
var echoRmmod = []rmmodState{
	{"after traffic", nil, func(n *harness.Netns, addr string) {
		for range 5 {
			c := n.Dial(addr)
			c.Echo(1000)
			c.Close()
		}
		n.EchoTraffic(addr, 4, message).Stop()
	}},
	{"idle", nil, func(n *harness.Netns, addr string) {
		n.Dial(addr)
		n.Dial(addr).Echo(100)
	}},
	{"just sent", nil, func(n *harness.Netns, addr string) {
		for range 8 {
			n.Dial(addr).EchoSend(20_000)
		}
	}},
	{"answers unread", nil, func(n *harness.Netns, addr string) {
		c := n.Dial(addr)
		c.Echo(10)
		c.EchoSend(5000)
		n.Dial(addr).Echo(10)
	}},
	{"full send buffer", nil, func(n *harness.Netns, addr string) {
		n.Dial(addr).EchoFill()
		n.Dial(addr).EchoFill()
	}},
	{"half-closed", nil, func(n *harness.Netns, addr string) {
		n.Dial(addr).CloseWrite() // the server's FIN is unanswered, since the client does not close
		c := n.Dial(addr)
		c.EchoFill()
		c.CloseWrite()
	}},
	{"half-closed and gone", nil, func(n *harness.Netns, addr string) {
		c := n.Dial(addr)
		c.EchoFill()
		c.Close() // with bytes unread: RST
		n.Dial(addr).Reset()
	}},
	{"backlog full", []string{"max_conns=1", "backlog=2"}, func(n *harness.Netns, addr string) {
		n.Dial(addr).Echo(10)
		n.Dial(addr)
		n.Dial(addr).Send("unheard")
		n.Dial(addr)
		n.Unanswered(addr)
	}},
	{"TIME_WAIT", nil, func(n *harness.Netns, addr string) {
		for range 5 {
			c := n.Dial(addr)
			c.EchoToTheEnd(100)
			c.Close()
		}
	}},
	{"under load", nil, func(n *harness.Netns, addr string) { n.EchoTraffic(addr, 32, message) }},
}

// The module goes whatever its connections are doing: in time, without a trace, and can come back at once.
func TestEchoRmmod(t *testing.T) {
	for _, state := range slices.Concat(anyRmmod, echoRmmod) {
		t.Run(state.name, func(t *testing.T) {
			t.Parallel()
			g := harness.Clone(t, harness.SMP())
			kecho := g.Serve(harness.Echo, state.params...)
			state.enter(g.Init(), kecho.Addr)
			kecho.Rmmod()
			g.Init().Refuses(kecho.Addr)
			kecho.Reload()
			g.HangUp() // or who still says SYN would take the place of who dials next
			g.Init().Dial(kecho.Addr).Echo(100)
		})
	}
}

// rmmodInEach has a module go in one state after the other, all in one guest, with params beside those of the state.
func rmmodInEach(t *testing.T, g *harness.Guest, role harness.Role, states []rmmodState, params ...string) {
	t.Helper()
	served := map[string]*harness.Subject{}
	for _, state := range states {
		t.Log(state.name)
		all := slices.Concat(state.params, params)
		s := served[strings.Join(all, " ")]
		if s == nil {
			s = g.Serve(role, all...)
			served[strings.Join(all, " ")] = s
		} else {
			s.Reload()
		}
		state.enter(g.Init(), s.Addr)
		s.Rmmod()
		g.Init().Refuses(s.Addr)
		g.HangUp() // each finds the guest as new
	}
}

// What was sent before the end is answered before the end.
func TestEchoRmmodEndsConnectionsProperly(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	idle, used := g.Init().Dial(kecho.Addr), g.Init().Dial(kecho.Addr)
	used.Echo(1000)
	idle.Echo(1)
	kecho.Rmmod()
	for _, c := range []*harness.Conn{idle, used} {
		if rest := c.RecvAll(); len(rest) > 0 {
			t.Errorf("%q came on a connection that should just end", rest)
		}
	}
}

func TestEchoInsmodRmmodAgain(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo)
	for i := range 5 {
		g.Init().Dial(kecho.Addr).Echo(100 * i)
		kecho.Rmmod()
		kecho.Reload()
	}
}

// Ten thousand clients that connect and wait for ever: nothing happens. No thread is there for them, somebody else gets an
// answer as before, and the module goes when it is told to. That is kecho's own promise: another module may have a thread for each, and
// is held to [TestRoleThousandIdleClients].
func TestEchoTenThousandIdle(t *testing.T) {
	const (
		chunk     = 500
		mostBytes = 1024 // of the module's own, for each
		addr      = "127.0.0.1:12345"
	)
	g := harness.Clone(t)
	count := g.Many(10_000)
	kecho := g.Insmod("kecho", "backlog=4096")
	probe := g.Init().Dial(addr)
	probe.Echo(10)
	before := g.Kthreads()
	for range count / chunk {
		g.Init().DialMany(addr, chunk)
		probe.Echo(1000)
	}
	kecho.AwaitCounter(g.Init(), "active", count+1)

	if after := g.Kthreads(); after > before {
		t.Errorf("%d connections: %d kernel threads, %d before", count, after, before)
	}
	kecho.WantNobodyInside()
	g.Init().Dial(addr).Echo(1000)
	if objects, size := g.Slab(kecho.Name); objects < count || size > mostBytes {
		t.Errorf("%d objects of %d bytes in the module's cache, want %d of at most %d bytes", objects, size, count, mostBytes)
	} else {
		t.Logf("%d objects of %d bytes", objects, size)
	}
	kecho.RmmodWithin(40 * time.Second) // all of them say good bye
	g.Init().Refuses(addr)
}
