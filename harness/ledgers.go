package harness

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
	"ktcp/harness/introspect"
	"ktcp/harness/kernel"
)

// comparisons is how often two ledgers are read until the guest has not changed meanwhile.
const comparisons = 20

// CompareLedgers fails the test unless the ledger that the host reads out of the guest's memory, and the one that the kernel prints, show the
// same objects: on behalf of each module that was loaded in the scenario, which must have so many at least. It returns how long both took, in wall time: two readings from
// outside and one by the guest, for each module. The guest must be one of [PrintedLedger].
func (g *Guest) CompareLedgers(least int) (outside, inside time.Duration) {
	g.tb.Helper()
	compare := func(req wire.LedgerRequest) (objects int) {
		sites, out, in := g.compareLedgers(req)
		outside, inside = outside+out, inside+in
		for _, s := range sites {
			objects += s.Count
		}
		return objects
	}
	objects := 0
	for _, req := range g.ledgerRequests() {
		objects += compare(req)
	}
	if objects < least {
		g.tb.Errorf("the ledgers show %d objects of the scenario's modules, want %d", objects, least)
	}
	return outside, inside
}

// CompareBootLedgers does the same for the module that has most objects of those that the guest came up with, where it came up with any.
func (g *Guest) CompareBootLedgers() {
	g.tb.Helper()
	var busiest string
	most := 0
	modules := call(g, wire.Modules, wire.None{}).Modules
	for _, m := range modules {
		if slices.ContainsFunc(g.loads, func(l load) bool { return l.Name == m.Name }) {
			continue
		}
		answer, err := g.ledger(programDeadline, 0, wire.LedgerRequest{Name: m.Name})
		if err != nil {
			g.tb.Fatalf("read the ledger of %s: %v", m.Name, err)
		}
		objects := 0
		for _, s := range answer.Sites {
			objects += s.Count
		}
		if objects > most {
			busiest, most = m.Name, objects
		}
	}
	if busiest == "" {
		g.tb.Logf("none of the modules that the guest came up with has any objects: %v", modules)
		return
	}
	g.compareLedgers(wire.LedgerRequest{Name: busiest})
}

// compareLedgers compares what both say to one request, and returns it.
func (g *Guest) compareLedgers(req wire.LedgerRequest) (sites []wire.Site, outside, inside time.Duration) {
	g.tb.Helper()
	read := func(took *time.Duration, how func() (wire.LedgerAnswer, error)) wire.LedgerAnswer {
		began := time.Now()
		answer, err := how()
		*took += time.Since(began)
		if err != nil {
			g.tb.Fatalf("read the ledger of %s: %v", req.Name, err)
		}
		return answer
	}
	fromOutside := func() (wire.LedgerAnswer, error) {
		o, err := g.outside(callDeadline)
		if err != nil {
			return wire.LedgerAnswer{}, err
		}
		if o == nil {
			why := g.rig.ledgers.why
			// A kernel that the user brought may lack what is needed; those that are fetched or built here have it.
			if errors.Is(why, introspect.ErrNoLayout) && !kernel.Flavorable(os.Getenv("KERNEL")) {
				g.tb.Skipf("the ledger cannot be read from outside: %v", why)
			}
			g.tb.Fatalf("the ledger cannot be read from outside: %v", why)
		}
		defer o.memory.Close()
		o.reader = o.reader.AsPrinted()
		return o.look(req)
	}
	var diff string
	for range comparisons {
		outside, inside = 0, 0
		before := read(&outside, fromOutside)
		printed := read(&inside, func() (wire.LedgerAnswer, error) { return tryWithin(g, programDeadline, wire.Ledger, req) })
		after := read(&outside, fromOutside)
		diff = cmp.Diff(summary(before), summary(after))
		if diff != "" {
			continue // something was freed, or allocated, meanwhile
		}
		if before.Caches != printed.Caches {
			g.tb.Errorf("%d caches read from outside, %d printed", before.Caches, printed.Caches)
		}
		if diff := cmp.Diff(summary(printed), summary(after)); diff != "" {
			g.tb.Errorf("ledger of %s (-printed +read from outside):\n%s", req.Name, diff)
		}
		for _, s := range after.Sites {
			if a := ageOf(printed.Sites, s); s.AgeMax < a-ageTolerance || s.AgeMax > a+ageTolerance {
				g.tb.Errorf("oldest object at %v is %v old from outside, %v printed", s.Stack, s.AgeMax, a)
			}
		}
		return after.Sites, outside, inside
	}
	g.tb.Fatalf("the ledger of %s does not come to rest:\n%s", req.Name, diff)
	return nil, 0, 0
}

// ageTolerance is how much time may pass between two readings, on a machine that does other work.
const ageTolerance = time.Minute

// ageOf returns the age of the oldest object at the place of a site.
func ageOf(sites []wire.Site, s wire.Site) (oldest time.Duration) {
	for _, t := range sites {
		if place(t) == place(s) {
			oldest = max(oldest, t.AgeMax)
		}
	}
	return oldest
}

// place identifies a site.
func place(s wire.Site) string { return fmt.Sprint(s.Cache, s.Size, s.Protocol, s.Stack) }

// summary counts the objects of each place: the kernel prints a place more than once where objects waste differently much of their
// size.
func summary(answer wire.LedgerAnswer) map[string]int {
	n := map[string]int{}
	for _, s := range answer.Sites {
		n[place(s)] += s.Count
	}
	return n
}
