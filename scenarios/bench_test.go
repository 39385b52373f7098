package scenarios

import (
	"testing"
	"time"

	"ktcp/harness"
)

// Benchmarks run on the clock of instructions, on one processor: ns/op is guest time, which is instructions, for one request
// with its client, and repeats on any machine. Each measures its peer in the same guest: the metrics x-nginx and x-twin say
// how many times as fast the module is.

const (
	benchConns = 32
	// peerPort is where nginx and the twin listen.
	peerPort = 8888
	peerAddr = "127.0.0.1:8888"
)

// compare measures the server and nginx, in one guest.
func compare(b *testing.B, role harness.Role, run harness.WrkRun) {
	g := harness.Clone(b, harness.ForSpeed())
	s := g.Serve(role)
	if role == harness.Web {
		s.Enable(g.Init())
	}
	nginx := g.Nginx(peerPort, `location / { return 200 "Hello World!"; }`)
	var ours, theirs harness.WrkScore
	for b.Loop() {
		harness.Logf("%s: %s, then nginx", b.Name(), s.Name)
		ours = g.Wrk(s.Addr, run)
		theirs = g.Wrk(peerAddr, run)
	}
	nginx.Stop()
	report(b, ours.PerSecond, "x-nginx", theirs.PerSecond)
}

// report reports the rate of the module and how many times that of its peer it is.
func report(b *testing.B, rate float64, unit string, peer float64) {
	b.ReportMetric(float64(time.Second)/rate, "ns/op")
	b.ReportMetric(rate, "req/s")
	b.ReportMetric(rate/peer, unit)
	b.ReportMetric(peer, "peer-req/s")
}

func BenchmarkKwebConnEach(b *testing.B) {
	compare(b, harness.Web, harness.WrkRun{Conns: benchConns, Close: true})
}

func BenchmarkKhttpdKeepAlive(b *testing.B) {
	compare(b, harness.HTTP, harness.WrkRun{Conns: benchConns})
}

func BenchmarkKhttpdPipelined(b *testing.B) {
	compare(b, harness.HTTP, harness.WrkRun{Conns: benchConns, Pipeline: 16})
}

func BenchmarkKhttpdConnEach(b *testing.B) {
	compare(b, harness.HTTP, harness.WrkRun{Conns: benchConns, Close: true})
}
