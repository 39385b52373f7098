package scenarios

import (
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness"
)

// BenchmarkOptions measures what an option of the kernel costs, on the clock of instructions: boot is the guest time until the
// agent answers, and ns/op that of one request on a new connection. Run it with FLAVOR=kasan; harness/kernel/FLAVORS.md keeps the table.
func BenchmarkOptions(b *testing.B) {
	for _, tt := range []struct {
		name    string
		options []harness.Option
	}{
		{"as-it-is", nil},
		{"no-ledger", []harness.Option{harness.Unledgered()}},
		{"kmemleak", []harness.Option{harness.ScanForLeaks()}},
		{"no-debug-objects", []harness.Option{harness.KernelParameters("no_debug_objects")}},
		{"no-page-owner", []harness.Option{harness.KernelParameters("page_owner=off")}},
		{"memory-256", []harness.Option{harness.Memory(256)}},
		{"memory-1024", []harness.Option{harness.Memory(1024)}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			g := harness.Clone(b, append(tt.options, harness.OnInstructions())...)
			kweb := httpServer(g, harness.Web)
			var took time.Duration
			requests := 0
			for b.Loop() {
				r := g.Init().Load(wire.LoadRequest{
					Addr: kweb.Addr, Conns: 8, Requests: 200, Send: []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
				})
				took += r.Elapsed
				requests += r.Good
			}
			b.ReportMetric(float64(took)/float64(requests), "ns/op")
			b.ReportMetric(float64(requests)/took.Seconds(), "req/s")
			b.ReportMetric(g.BootTime().Seconds(), "boot-s")
		})
	}
}
