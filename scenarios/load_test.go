package scenarios

import (
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness"
)

// Many requests from forty clients at once, of which each has its answer, and each byte of it is right.
func TestLoadEveryAnswerIsRight(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	requests := g.Many(2000)
	result := g.Init().Load(wire.LoadRequest{
		Addr: kweb.Addr, Protocol: wire.LoadHTTP, Conns: 40, Requests: requests,
		Expect: []byte(g.Init().Get(kweb.Addr).Body),
	})
	if result.Good != requests || result.Latency.Count != int64(requests) {
		t.Errorf("%d good answers and %d times, want %d", result.Good, result.Latency.Count, requests)
	}
}

// Whatever some clients do, others have their answers meanwhile, and afterwards.
func TestLoadAwkwardClientsDisturbNobody(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	// A storm of connections may fill the queue, and who finds it full waits for seconds: that is TCP's, not the module's.
	kweb := g.Serve(harness.Web, "backlog=1024")
	red := g.Netns("red")
	kweb.Enable(red)
	polite := wire.LoadRequest{Addr: kweb.Addr, Protocol: wire.LoadHTTP, Conns: 4, Requests: g.Many(100)}
	for _, manner := range wire.Manners {
		awkward := red.StartLoad(wire.LoadRequest{
			Addr: kweb.Addr, Manner: manner, Conns: 20, Pace: time.Millisecond, Send: []byte(request),
		})
		red.Load(polite)
		if got := awkward.Stop(); got.Conns == 0 || got.Requests() != got.Good {
			t.Errorf("%s clients: %+v, want only what they expected", manner, got)
		}
	}
	kweb.WantStatus(red, 1)
}

// Clients that close first keep their ports in TIME_WAIT until one address has none left. The server serves another address all the
// same, and goes.
func TestLoadPortExhaustion(t *testing.T) {
	t.Parallel()
	const ports, attempts = 64, 200
	g := harness.Clone(t, harness.SMP())
	kecho := g.Serve(harness.Echo)
	n := g.Init()
	n.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", "50000 50063")
	n.WriteFile("/proc/sys/net/ipv4/tcp_tw_reuse", "0") // nor to oneself, which is allowed by default after a second
	hogs := n.StartLoad(wire.LoadRequest{
		Addr: kecho.Addr, Manner: wire.PortHog, Conns: 8, Requests: attempts, Send: message, Expect: message,
	}).Wait()
	// A port whose connection the server has closed at the same moment may serve twice.
	if hogs.Good < ports || hogs.Good > 2*ports || hogs.Good+hogs.NoPort != attempts {
		t.Errorf("%d of %d attempts were answered and %d had no port, want about %d for as many ports, and the rest: %+v",
			hogs.Good, attempts, hogs.NoPort, ports, hogs)
	}
	n.DialFrom("127.0.0.2", kecho.Addr).Echo(1000)
	kecho.Rmmod()
}
