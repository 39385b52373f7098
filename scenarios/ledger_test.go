package scenarios

import (
	"testing"
	"time"

	"ktcp/harness"
	"ktcp/harness/finding"
)

// The host reads the ledger out of the guest's memory; the kernel prints it. They must say the same of the same guest, or the host has
// misunderstood the kernel's books: of a module that leaks, while it is loaded and after it has gone, of one that does not,
// and of what the guest came up with.
func TestLedgerFromOutside(t *testing.T) {
	t.Run("leak", func(t *testing.T) {
		const leaks = 3
		got := harness.Witness(t, func(tb testing.TB) {
			g := harness.Clone(tb, harness.PrintedLedger())
			canary := g.Insmod("canary")
			for range leaks {
				canary.SetBug(g.Init(), "leak_kmalloc")
			}
			canary.SetBug(g.Init(), "leak_vmalloc")
			g.CompareLedgers(leaks + 1)
			canary.Rmmod()
			g.CompareLedgers(leaks + 1)
		})
		if got.Failures != nil || !saw(got, leaks) {
			t.Errorf("want a leak of %d objects and nothing else, got:\n%v", leaks, got)
		}
	})
	t.Run("clean", func(t *testing.T) {
		g := harness.Clone(t, harness.PrintedLedger())
		kweb := g.Serve(harness.Web)
		kweb.Enable(g.Init())
		g.Init().Get(kweb.Addr).WantStatus(200)
		g.CompareLedgers(1) // what it holds while it serves
		g.CompareBootLedgers()
		kweb.Rmmod()
		g.CompareLedgers(0)
	})
}

// saw reports whether the ledger has found a leak of so many objects of the slab.
func saw(got harness.Testimony, objects int) bool {
	for _, f := range got.Findings {
		if f.Oracle == finding.OracleLedger && f.Class != "vmalloc" && f.Objects == objects {
			return true
		}
	}
	return false
}

// BenchmarkLedger reads the ledger of one guest in both ways: ms of one reading each, and how many times as long the kernel takes to
// print it.
func BenchmarkLedger(b *testing.B) {
	g := harness.Clone(b, harness.PrintedLedger())
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	g.CompareLedgers(1) // both are warm, and agree
	var outside, inside time.Duration
	for b.Loop() {
		out, in := g.CompareLedgers(1)
		outside, inside = outside+out/2, inside+in
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(b.N) / float64(time.Millisecond) }
	b.ReportMetric(ms(outside), "ms-outside")
	b.ReportMetric(ms(inside), "ms-inside")
	b.ReportMetric(float64(inside)/float64(outside), "inside/outside")
}
