package scenarios

import (
	"slices"
	"testing"

	"ktcp/harness"
)

// holdToEcho is what any echo owes its clients, in short: bytes of every value in every number, cut anywhere, half-closed ends, and
// clients that do not read.
func holdToEcho(t *testing.T, n *harness.Netns, addr string) {
	t.Helper()
	c := n.Dial(addr)
	c.Send(string(message))
	if got := c.Recv(len(message)); !slices.Equal(got, message) {
		t.Errorf("echo of %d bytes of every value: %d others", len(message), len(got))
	}
	for _, size := range []int{1, 255, 4096, 16385, 100_000, 1 << 20} {
		c.Echo(size)
	}
	c.EchoInPieces(701, 7)
	c.EchoInPieces(50_001, 1459)
	for _, size := range []int{0, 1, 65_537} {
		end := n.Dial(addr)
		end.EchoToTheEnd(size)
		end.Close()
	}
	traffic := n.EchoTraffic(addr, 16, message)
	slow, other := n.Dial(addr), n.Dial(addr)
	if slow.EchoFill() == 0 {
		t.Error("a new connection takes not one byte")
	}
	other.EchoFill()
	c.Echo(10_000) // neither stops anybody but itself
	slow.EchoToTheEnd(0)
	other.Echo(1000)
	n.Dial(addr).Reset()
	if result := traffic.Stop(); result.Good == 0 || result.Reset+result.Empty+result.Refused > 0 {
		t.Errorf("16 clients at once: %+v, want all of them answered", result)
	}
	c.Echo(10)
}

// With bench=1 other workers serve: what clients see is the same.
func TestEchoBench(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kecho := g.Serve(harness.Echo, "bench=1")
	holdToEcho(t, g.Init(), kecho.Addr)
	kecho.Rmmod()
	some := slices.DeleteFunc(slices.Concat(anyRmmod, echoRmmod), func(state rmmodState) bool {
		return !slices.Contains([]string{
			"just connected", "pending SYNs", "full send buffer", "half-closed", "backlog full", "under load",
		}, state.name) // the others differ in what the socket does alone
	})
	rmmodInEach(t, g, harness.Echo, some, "bench=1")
	kecho.Reload()
	g.Init().Dial(kecho.Addr).Echo(100)
}

// The twin's numbers say something of kecho's only if it does what kecho does.
func TestEchoTwin(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.StockAlone())
	twin := g.Twin(0)
	holdToEcho(t, g.Init(), echoAddr)
	twin.Stop()
	g.Init().Refuses(echoAddr)
}
