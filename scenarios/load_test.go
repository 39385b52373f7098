package scenarios

import (
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness"
)

// Two thousand requests from forty clients at once, of which each has its answer, and each byte of it is right.
func TestLoadEveryAnswerIsRight(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	result := g.Init().Load(wire.LoadRequest{
		Addr: kweb.Addr, Protocol: wire.LoadHTTP, Conns: 40, Requests: 2000,
		Expect: []byte(g.Init().Get(kweb.Addr).Body),
	})
	if result.Good != 2000 || result.Latency.Count != 2000 {
		t.Errorf("%d good answers and %d times, want 2000", result.Good, result.Latency.Count)
	}
}

// Whatever some clients do, others have their answers meanwhile, and afterwards.
func TestLoadAwkwardClientsDisturbNobody(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")
	kweb.Enable(red)
	polite := wire.LoadRequest{Addr: kweb.Addr, Protocol: wire.LoadHTTP, Conns: 4, Requests: 100}
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
