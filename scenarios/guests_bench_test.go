package scenarios

import (
	"testing"

	"ktcp/harness"
)

// How many pristine guests a minute the machine sustains, each with a whole verdict: cloned, a module loaded, used, unloaded, loaded
// again, all oracles, thrown away.
func BenchmarkGuestsPerMinute(b *testing.B) {
	// The first one provisions.
	judgeOne(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			judgeOne(b)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Minutes(), "guests/min")
	b.ReportMetric(0, "ns/op") // says the same, less well
}

func judgeOne(b *testing.B) {
	b.Helper()
	got := harness.Witness(b, func(tb testing.TB) {
		g := harness.Clone(tb)
		kweb := g.Serve(harness.Web)
		kweb.Enable(g.Init())
		g.Init().Get(kweb.Addr).WantStatus(200)
	})
	if len(got.Findings) > 0 || len(got.Failures) > 0 {
		b.Errorf("a clean module: %v", got)
	}
}
