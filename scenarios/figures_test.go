package scenarios

import (
	"fmt"
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness"
)

// The benchmarks here fill the tables of the figures in results/.

const twinPort, twinAddr = 8889, "127.0.0.1:8889"

// nginxPage is the least that nginx can be asked for.
const nginxPage = `location / { return 200 "Hello World!"; }`

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Response times as a course of kernel programming plots them: many clients that each send a message and wait for
// it, in the kernel and in user space.
func BenchmarkFigureResponseTime(b *testing.B) {
	g := harness.Clone(b, harness.ForBenchmark())
	kecho := g.Serve(harness.Echo)
	g.Twin(twinPort)
	f := harness.NewFigure(b, "response-time", "Response time of 100 clients that echo 64 bytes", harness.ToLookAt,
		"percent", "kecho_us", "twin_us")
	run := func(addr string) wire.Latency {
		return g.Init().Load(wire.LoadRequest{
			Addr: addr, Protocol: wire.LoadEcho, Size: 64, Conns: 100, Requests: 20000, KeepAlive: true,
		}).Latency
	}
	var kernel, user wire.Latency
	for b.Loop() {
		kernel, user = run(kecho.Addr), run(twinAddr)
	}
	for percent := 1.0; percent < 100; percent++ {
		f.Row(g, percent, us(harness.Percentile(b, kernel, percent)), us(harness.Percentile(b, user, percent)))
	}
	for _, percent := range []float64{99.5, 99.9, 100} {
		f.Row(g, percent, us(harness.Percentile(b, kernel, percent)), us(harness.Percentile(b, user, percent)))
	}
}

// Requests a second against the number of clients.
func BenchmarkFigureConcurrency(b *testing.B) {
	g := harness.Clone(b, harness.ForBenchmark())
	khttpd := g.Serve(harness.HTTP)
	g.Nginx(peerPort, nginxPage)
	rate := harness.NewFigure(b, "concurrency", "Requests a second against connections that are kept open", harness.MoreIsBetter,
		"connections", "khttpd_req/s", "nginx_req/s")
	run := func(addr string, conns int) wire.LoadResult {
		return g.Init().Load(wire.LoadRequest{
			Addr: addr, Protocol: wire.LoadHTTP, Conns: conns, Requests: max(3000, 8*conns), KeepAlive: true,
		})
	}
	for _, addr := range []string{khttpd.Addr, peerAddr} {
		run(addr, benchConns) // for memory to be had, and code to be read
	}
	for b.Loop() {
		rate.Anew()
		for conns := 1; conns <= 4096; conns *= 2 {
			ours, theirs := run(khttpd.Addr, conns), run(peerAddr, conns)
			rate.Row(g, float64(conns), ours.PerSecond(), theirs.PerSecond())
		}
	}
}

// Requests a second against the size of the answer, a file.
func BenchmarkFigureSize(b *testing.B) {
	const (
		www      = "/srv/www"
		largest  = 1 << 20
		received = 64 << 20 // bytes in all for each size, about
		// The largest files of 32 clients would be more than the kernel lets TCP have of the guest's memory: it drops what has
		// come, and timeouts of its retransmission are what is measured.
		conns = 8
	)
	g := harness.Clone(b, harness.ForBenchmark())
	sizes := []int{0, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, largest}
	for _, size := range sizes {
		g.FileOf(fmt.Sprintf("%s/%d", www, size), "x", size)
	}
	khttpd := g.Serve(harness.HTTP, "WWWROOT="+www)
	g.Nginx(peerPort, "location / { root "+www+"; }")
	f := harness.NewFigure(b, "size", "Requests a second against the size of the file that is answered", harness.MoreIsBetter,
		"bytes", "khttpd_req/s", "nginx_req/s")
	run := func(addr string, size int) float64 {
		req := wire.LoadRequest{
			Addr: addr, Protocol: wire.LoadHTTP, Conns: conns, KeepAlive: true, Paths: []string{fmt.Sprintf("/%d", size)},
			Requests: min(3000, received/max(size, 1)),
		}
		r := g.Init().Load(req)
		if want := int64(size) * int64(req.Requests); r.Received < want {
			b.Fatalf("%d bytes from %s, want %d and more", r.Received, addr, want)
		}
		return r.PerSecond()
	}
	for _, addr := range []string{khttpd.Addr, peerAddr} {
		run(addr, largest) // for memory to be had, and code to be read
	}
	for b.Loop() {
		f.Anew()
		for _, size := range sizes {
			f.Row(g, float64(size), run(khttpd.Addr, size), run(peerAddr, size))
		}
	}
}

// Response times when requests come at a rate that both servers can bear.
func BenchmarkFigureLatency(b *testing.B) {
	const rate = 12000
	g := harness.Clone(b, harness.ForBenchmark())
	khttpd := g.Serve(harness.HTTP)
	g.Nginx(peerPort, nginxPage)
	f := harness.NewFigure(b, "latency", "Response time at 12000 requests a second on 64 connections", harness.ToLookAt,
		"percent", "khttpd_us", "nginx_us")
	run := func(addr string) wire.Latency {
		return g.Init().Load(wire.LoadRequest{
			Addr: addr, Protocol: wire.LoadHTTP, Conns: 64, Requests: rate, Rate: rate, KeepAlive: true,
		}).Latency
	}
	var ours, theirs wire.Latency
	for b.Loop() {
		ours, theirs = run(khttpd.Addr), run(peerAddr)
	}
	for _, percent := range []float64{50, 75, 90, 95, 99, 99.5, 99.9} {
		f.Row(g, percent, us(harness.Percentile(b, ours, percent)), us(harness.Percentile(b, theirs, percent)))
	}
}

// What connections cost on which nothing is said, with their clients in the same guest.
func BenchmarkFigureIdle(b *testing.B) {
	f := harness.NewFigure(b, "idle", "Memory that idle connections take, client and server in one guest", harness.LessIsBetter,
		"connections", "kecho_MiB", "twin_MiB")
	busy := harness.NewFigure(b, "beside-idle", "Round trip of one client beside idle connections", harness.LessIsBetter,
		"connections", "kecho_us", "twin_us")
	for b.Loop() {
		f.Anew()
		busy.Anew()
		for _, conns := range []int{0, 1000, 10000} {
			g, kecho, twin := besideIdle(b, conns)
			f.Row(g, float64(conns), kecho.mib, twin.mib)
			busy.Row(g, float64(conns), kecho.us, twin.us)
		}
	}
}

// idleCost is what idle connections cost.
type idleCost struct {
	mib float64 // memory, that of their clients too
	us  float64 // mean round trip of another client meanwhile
}

// besideIdle measures what idle connections cost, with each server in a guest of its own.
func besideIdle(b *testing.B, conns int) (g *harness.Guest, kecho, twin idleCost) {
	const messages = 5000
	measure := func(g *harness.Guest, addr string) (c idleCost) {
		message := []byte("a client that is not idle")
		g.Init().EchoRate(addr, 1, messages/10, message) // for memory to be had, and code to be read
		before := g.MemoryInUse()
		if conns > 0 {
			l := g.Init().Idle(addr, conns)
			defer l.Stop()
			c.mib = float64(g.MemoryInUse()-before) / (1 << 20)
		}
		c.us = 1e6 / g.Init().EchoRate(addr, 1, messages, message)
		return c
	}
	g = harness.Clone(b, harness.ForBenchmark())
	kecho = measure(g, g.Serve(harness.Echo, "backlog=4096").Addr)
	other := harness.Clone(b, harness.ForBenchmark())
	other.Twin(twinPort)
	return g, kecho, measure(other, twinAddr)
}

// One module that serves several namespaces at once, all for the same quarter of a second.
func BenchmarkFigureNamespaces(b *testing.B) {
	f := harness.NewFigure(b, "namespaces", "Requests a second of kweb in all namespaces together, a connection each", harness.MoreIsBetter,
		"namespaces", "kweb_req/s")
	for b.Loop() {
		f.Anew()
		for _, spaces := range []int{1, 2, 8} {
			f.Row(namespaces(b, spaces))
		}
	}
}

// namespaces measures kweb in so many namespaces.
func namespaces(b *testing.B, spaces int) (g *harness.Guest, count, rate float64) {
	g = harness.Clone(b, harness.ForBenchmark())
	kweb := g.Serve(harness.Web)
	all := make([]*harness.Netns, spaces)
	for i := range all {
		all[i] = g.Netns(string(rune('a' + i)))
		kweb.Enable(all[i])
	}
	request := wire.LoadRequest{Addr: kweb.Addr, Protocol: wire.LoadHTTP, Conns: benchConns / spaces}
	for _, n := range all {
		warm := request
		warm.Requests = 500 // for memory to be had, and code to be read
		n.Load(warm)
	}
	request.Duration = time.Second / 4
	request.At = g.Uptime() + 10*time.Second // by when all are waiting for it; the clock of instructions leaps there
	loads := make([]*harness.Load, spaces)
	for i, n := range all {
		loads[i] = n.StartLoad(request)
	}
	for _, l := range loads {
		r := l.Wait()
		if r.Good != r.Requests() {
			b.Fatalf("%+v", r)
		}
		rate += r.PerSecond()
	}
	return g, float64(spaces), rate
}
