package scenarios

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness"
)

// Benchmarks run on the clock of instructions, on one processor: ns/op is guest time, which is instructions, for one request
// with its client, and repeats on any machine. Each measures its peer in the same guest: the metrics x-nginx, x-twin and x-wrk say
// how many times as fast ours is. Each leaves a table in results/bench, which make bench-check holds to its reference. CLOCK=realtime
// measures in real time instead.

const (
	benchConns = 32
	// peerPort is where nginx and the twin listen.
	peerPort = 8888
	peerAddr = "127.0.0.1:8888"
)

// pace is what of a request differs between the benchmarks of an HTTP server.
type pace struct {
	table, title string
	harness.WrkRun
}

// compare measures the server and nginx, in one guest. Both answer with the same words, or where root is given with the same file.
func compare(b *testing.B, role harness.Role, p pace, root bool) {
	f := harness.NewFigure(b, p.table, p.title+", under wrk", harness.MoreIsBetter,
		"connections", role.Reference()+"_req/s", "nginx_req/s")
	g := harness.Clone(b, harness.ForBenchmark())
	var params []string
	location := nginxPage
	if root {
		const www = "/srv/www"
		g.FileOf(www+p.Path, "x", 1024)
		params = append(params, "WWWROOT="+www)
		location = "location / { root " + www + "; }"
	}
	s := g.Serve(role, params...)
	if role == harness.Web {
		s.Enable(g.Init())
	}
	nginx := g.Nginx(peerPort, location)
	var ours, theirs harness.WrkScore
	for b.Loop() {
		announce(b, g, s.Name+", then nginx")
		ours = g.Wrk(s.Addr, p.WrkRun)
		theirs = g.Wrk(peerAddr, p.WrkRun)
	}
	nginx.Stop()
	f.Row(g, float64(p.Conns), ours.PerSecond, theirs.PerSecond)
	report(b, g, ours.PerSecond, "x-nginx", theirs.PerSecond)
}

// announced holds the benchmarks that have said what they are at.
var announced sync.Map

// announce says once what a benchmark is at, and in what kind of guest. With -count the name of the second run is printed before it
// runs, and a line between it and its numbers would hide both from benchstat.
func announce(b *testing.B, g *harness.Guest, what string) {
	if _, said := announced.LoadOrStore(b.Name(), true); !said {
		g.PrintSetting()
		harness.Logf("%s: %s", b.Name(), what)
	}
}

// report reports the rate of ours and how many times that of its peer it is.
func report(b *testing.B, g *harness.Guest, rate float64, unit string, peer float64) {
	perRequest := float64(time.Second) / rate
	b.ReportMetric(perRequest, "ns/op")
	if g.OnInstructions() {
		b.ReportMetric(perRequest, "instr/req") // of all that takes part: client, TCP, server
	}
	b.ReportMetric(rate, "req/s")
	b.ReportMetric(rate/peer, unit)
	b.ReportMetric(peer, "peer-req/s")
}

func BenchmarkKwebConnEach(b *testing.B) {
	compare(b, harness.Web, pace{"kweb-conneach", "kweb, a connection each", harness.WrkRun{Conns: benchConns, Close: true}}, false)
}

func BenchmarkKhttpdKeepAlive(b *testing.B) {
	compare(b, harness.HTTP, pace{"khttpd-keepalive", "khttpd, kept connections", harness.WrkRun{Conns: benchConns}}, false)
}

func BenchmarkKhttpdPipelined(b *testing.B) {
	compare(b, harness.HTTP, pace{"khttpd-pipelined", "khttpd, pipelined 16 deep", harness.WrkRun{Conns: benchConns, Pipeline: 16}}, false)
}

func BenchmarkKhttpdConnEach(b *testing.B) {
	compare(b, harness.HTTP, pace{"khttpd-conneach", "khttpd, a connection each", harness.WrkRun{Conns: benchConns, Close: true}}, false)
}

func BenchmarkKhttpdFile(b *testing.B) {
	compare(b, harness.HTTP, pace{"khttpd-file", "khttpd, a file of 1 KiB", harness.WrkRun{Conns: benchConns, Path: "/file"}}, true)
}

// BenchmarkGenerator measures our generator and wrk against the same nginx.
func BenchmarkGenerator(b *testing.B) {
	for _, c := range []struct {
		name  string
		close bool
	}{{"keepalive", false}, {"conneach", true}} {
		b.Run(c.name, func(b *testing.B) {
			f := harness.NewFigure(b, "generator-"+c.name, "our generator and wrk against nginx, "+c.name, harness.MoreIsBetter,
				"connections", "ktcp_req/s", "wrk_req/s")
			g := harness.Clone(b, harness.ForBenchmark())
			nginx := g.Nginx(peerPort, nginxPage)
			run := wire.LoadRequest{Addr: peerAddr, Protocol: wire.LoadHTTP, Conns: benchConns, KeepAlive: !c.close, Duration: time.Second}
			var ours, theirs float64
			for b.Loop() {
				announce(b, g, "our generator, then wrk")
				ours = g.Init().Load(run).PerSecond()
				theirs = g.Wrk(peerAddr, harness.WrkRun{Conns: benchConns, Close: c.close}).PerSecond
			}
			nginx.Stop()
			f.Row(g, benchConns, ours, theirs)
			report(b, g, ours, "x-wrk", theirs)
		})
	}
}

// echoRequests are enough for half a second of guest time, and echoWarm for memory to be had and code to be read.
const (
	echoRequests = 20000
	echoWarm     = 2000
)

func BenchmarkKechoEcho(b *testing.B) {
	f := harness.NewFigure(b, "kecho-echo", "kecho (bench=1), 32 kept connections", harness.MoreIsBetter, "bytes", "kecho_req/s", "twin_req/s")
	for _, size := range []int{64, 4096} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			g := harness.Clone(b, harness.ForBenchmark())
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
				announce(b, g, s.Name+", then its twin")
				ours = g.Init().EchoRate(s.Addr, benchConns, echoRequests, message)
				theirs = g.Init().EchoRate(peerAddr, benchConns, echoRequests, message)
			}
			twin.Stop()
			f.Row(g, float64(size), ours, theirs)
			report(b, g, ours, "x-twin", theirs)
		})
	}
}

// idleConns is few enough for a kernel that notes who allocates what.
const idleConns = 200

// BenchmarkIdleConnections measures what a connection costs that does nothing, by the ledger.
func BenchmarkIdleConnections(b *testing.B) {
	for _, role := range []harness.Role{harness.Echo, harness.HTTP} {
		b.Run(role.Reference(), func(b *testing.B) {
			f := harness.NewFigure(b, "idle-"+role.Reference(), role.Reference()+", memory of its own for an idle connection, by the ledger",
				harness.LessIsBetter, "connections", "B/connection")
			g := harness.Clone(b, harness.OnInstructions())
			s := g.Serve(role)
			threads := g.Kthreads()
			_, before := s.Held()
			for b.Loop() {
				announce(b, g, fmt.Sprintf("opening %d connections", idleConns))
				f.Anew()
				var conns []*harness.Conn
				for range idleConns {
					conns = append(conns, g.Init().Dial(s.Addr))
				}
				s.AwaitCounter(g.Init(), "active", idleConns)
				inSockets, after := s.Held()
				f.Row(g, idleConns, float64(after-before)/idleConns)
				b.ReportMetric(float64(after-before)/idleConns, "B/conn")
				b.ReportMetric(float64(inSockets)/idleConns, "socket-B/conn")
				b.ReportMetric(float64(g.Kthreads()-threads), "threads")
				for _, c := range conns {
					c.Reset()
				}
				s.AwaitCounter(g.Init(), "active", 0)
			}
			b.ReportMetric(0, "ns/op") // of the host, which says nothing
		})
	}
}
