package scenarios

import (
	"fmt"
	"sync"
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
		announce(b, s.Name+", then nginx")
		ours = g.Wrk(s.Addr, run)
		theirs = g.Wrk(peerAddr, run)
	}
	nginx.Stop()
	report(b, ours.PerSecond, "x-nginx", theirs.PerSecond)
}

// announced holds the benchmarks that have said what they are at.
var announced sync.Map

// announce says once what a benchmark is at. With -count the name of the second run is printed before it runs, and a line
// between it and its numbers would hide both from benchstat.
func announce(b *testing.B, what string) {
	if _, said := announced.LoadOrStore(b.Name(), true); !said {
		harness.Logf("%s: %s", b.Name(), what)
	}
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

// echoRequests are enough for half a second of guest time, and echoWarm for memory to be had and code to be read.
const (
	echoRequests = 20000
	echoWarm     = 2000
)

func BenchmarkKechoEcho(b *testing.B) {
	for _, size := range []int{64, 4096} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			g := harness.Clone(b, harness.ForSpeed())
			s := g.Serve(harness.Echo, "bench=1")
			twin := g.Twin(peerPort)
			message := make([]byte, size)
			for i := range message {
				message[i] = byte(i)
			}
			g.Init().EchoRate(s.Addr, benchConns, echoWarm, message)
			g.Init().EchoRate(peerAddr, benchConns, echoWarm, message)
			var ours, theirs float64
			for b.Loop() {
				announce(b, s.Name+", then its twin")
				ours = g.Init().EchoRate(s.Addr, benchConns, echoRequests, message)
				theirs = g.Init().EchoRate(peerAddr, benchConns, echoRequests, message)
			}
			twin.Stop()
			report(b, ours, "x-twin", theirs)
		})
	}
}

// idleConns is few enough for a kernel that notes who allocates what.
const idleConns = 200

// active waits until that many connections are open at the server.
func active(b *testing.B, g *harness.Guest, s *harness.Subject, want int) {
	b.Helper()
	file := "/sys/kernel/" + s.Name + "/net/data/statistics/active"
	deadline := time.Now().Add(time.Minute)
	for got := ""; got != fmt.Sprintln(want); got = g.Init().ReadFile(file) {
		if time.Now().After(deadline) {
			b.Fatalf("%s reads %q, want %d", file, got, want)
		}
	}
}

// BenchmarkIdleConnections measures what a connection costs that does nothing, by the ledger.
func BenchmarkIdleConnections(b *testing.B) {
	for _, role := range []harness.Role{harness.Echo, harness.HTTP} {
		b.Run(role.Reference(), func(b *testing.B) {
			g := harness.Clone(b, harness.OnInstructions())
			s := g.Serve(role)
			threads := g.Kthreads()
			_, before := s.Held()
			for b.Loop() {
				harness.Logf("%s: opening %d connections", b.Name(), idleConns)
				var conns []*harness.Conn
				for range idleConns {
					conns = append(conns, g.Init().Dial(s.Addr))
				}
				active(b, g, s, idleConns)
				inSockets, after := s.Held()
				b.ReportMetric(float64(after-before)/idleConns, "B/conn")
				b.ReportMetric(float64(inSockets)/idleConns, "socket-B/conn")
				b.ReportMetric(float64(g.Kthreads()-threads), "threads")
				for _, c := range conns {
					c.Reset()
				}
				active(b, g, s, 0)
			}
			b.ReportMetric(0, "ns/op") // of the host, which says nothing
		})
	}
}
