package scenarios

import (
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness"
	"ktcp/harness/versus"
)

// versusLoad is a load under which two modules are compared.
type versusLoad struct {
	name  string
	about string
	wire.LoadRequest
}

const (
	// versusWarm requests come before each load: for memory to be had, and code to be read. They also tell soon of a server that
	// does not serve such a load at all.
	versusWarm = 1000
	// versusPatience is how much guest time a load may take, which is some ten times what it takes the modules of this tree.
	versusPatience = 5 * time.Second
)

// warm is the load that comes before.
func (l versusLoad) warm() wire.LoadRequest {
	req := l.LoadRequest
	req.Requests = versusWarm
	return req
}

// versusLoads are the loads of the benchmarks, with so many requests that each takes about half a second of guest time.
func versusLoads(role harness.Role) []versusLoad {
	if role == harness.Echo {
		echo := wire.LoadRequest{Protocol: wire.LoadEcho, Conns: benchConns, KeepAlive: true, Duration: versusPatience}
		small, large := echo, echo
		small.Size, small.Requests = 64, 20000
		large.Size, large.Requests = 4096, 10000
		return []versusLoad{
			{"EchoSize64", "32 clients that echo 64 bytes", small},
			{"EchoSize4096", "32 clients that echo 4096 bytes", large},
		}
	}
	get := wire.LoadRequest{Protocol: wire.LoadHTTP, Conns: benchConns, Duration: versusPatience}
	keep, pipelined, each := get, get, get
	keep.KeepAlive, keep.Requests = true, 15000
	pipelined.KeepAlive, pipelined.Pipeline, pipelined.Requests = true, 16, 60000
	each.Requests = 5000
	return []versusLoad{
		{"KeepAlive", "32 connections that are kept", keep},
		{"Pipelined16", "32 connections, 16 requests under way on each", pipelined},
		{"ConnEach", "32 clients, a connection for each request", each},
	}
}

// BenchmarkVersus measures two modules of the same role, for `go run . bench DIR DIR`: in turn, round for round, and who begins takes turns
// too. Every time both have a fresh clone, so that what one leaves behind in the kernel does not meet the other.
func BenchmarkVersus(b *testing.B) {
	contest, err := versus.FromEnvironment()
	if err != nil {
		b.Fatal(err)
	}
	if contest == nil {
		b.Skip("it takes two modules: go run . bench DIR DIR")
	}
	var record versus.Record
	for round := range contest.Rounds {
		for _, module := range []int{round % 2, 1 - round%2} {
			harness.Logf("round %d of %d: %s", round+1, contest.Rounds, contest.Modules[module].Dir)
			got := harness.Witness(b, func(tb testing.TB) { versusRound(tb, contest, &record, round, module) })
			record.Add(module, got.Flaws()...)
		}
	}
	if err := record.Write(contest.Record); err != nil {
		b.Fatal(err)
	}
}

// versusRound measures one module in a clone of its own.
func versusRound(tb testing.TB, contest *versus.Contest, record *versus.Record, round, module int) {
	stranger := contest.Modules[module]
	g := harness.Clone(tb, harness.ForSpeed(), harness.Judge(stranger))
	s := g.Serve(stranger.Role)
	s.Enter(record, module)
	if stranger.Role == harness.Web {
		s.Enable(g.Init())
	}
	var body []byte
	if stranger.Role != harness.Echo {
		answer := g.Init().Get(s.Addr)
		if g.Init().Get(s.Addr).Body == answer.Body {
			body = []byte(answer.Body) // of all answers, then
		}
		record.NoteAnswer(module, answer.Status, len(answer.Body))
	}
	for _, l := range versusLoads(stranger.Role) {
		l.Expect = body
		m := s.Measure(l.name, l.warm())
		if m.Bad == "" {
			m = s.Measure(l.name, l.LoadRequest)
		}
		m.Round, m.Module = round, module
		record.Measurements = append(record.Measurements, m)
	}
}
