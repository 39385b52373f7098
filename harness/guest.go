package harness

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
	"ktcp/harness/report"
	"ktcp/harness/unchanged"
	"ktcp/harness/vm"
)

// Guest is a pristine guest that belongs to one test.
type Guest struct {
	tb      *listener
	rig     *rig
	vm      *vm.Guest
	sources string // directory of module directories

	clock vm.Clock // "" is vm.Realtime
	cpus  int      // 0: the clock's default
	// unledgered is a guest for benchmarks, which keeps no ledger.
	unledgered bool
	// prints is a guest whose kernel prints its ledger.
	prints   bool
	params   []string      // see KernelParameters
	memory   int           // in MiB; 0: the default
	failing  bool          // see FailingAllocations
	stock    bool          // see StockAlone
	deadline time.Duration // see UnloadWithin; 0: the kernel's

	stranger *Stranger // who plays the scenario's role instead of a module of this tree; nil: nobody
	role     Role      // what the scenario's module plays, "" as long as it has none
	lacks    []Feature // what the stranger does not offer
	story    string    // what clients and whoever loaded modules did
	broken   error     // why the scenario could not be judged

	entry    *report.Entry
	baseline baseline
	records  []wire.KmsgRecord // of the kernel log, since the scenario began
	cursor   uint64            // of the kernel log: what came before belongs to the template

	built   map[string]*built
	sent    map[string]*built // modules whose image the guest has
	put     map[string]bool   // files of programs that are in the guest
	modules []*Module
	loads   []load // every insmod, for addresses in text that is gone by then
	netns   []*Netns
	veths   int
	log     requestLog
	swept   bool // allocations were made to fail
	// silences is how often a client has waited in vain for an answer.
	silences atomic.Int32
	// firstLoad is the guest time right before the first insmod, and refused are the modules of which one was refused: nobody
	// knows where their text was.
	firstLoad time.Duration
	refused   map[string]bool
	mu        sync.Mutex // guards findings: scenarios may use several goroutines
	findings  []finding.Finding
	scan      bool // see ScanForLeaks

	// What a pass is noted of, see passes: who the guest is, "" where nobody notes it, and what was brought into it. Chance is what had a part in
	// what the scenario did.
	identity string
	madeOf   map[string]string
	chance   bool
	// passed is the pass for whose sake the scenario did not run.
	passed *unchanged.Pass
}

// An Option changes what Clone hands out.
type Option func(*Guest)

// Sources takes modules from another directory than the project's module/: each module is a directory below it.
func Sources(dir string) Option {
	return func(g *Guest) { g.sources = dir }
}

// Clone hands out a pristine guest that lives as long as the test. When the test ends the guest's modules are unloaded, the
// oracles run, and any finding fails the test.
func Clone(tb testing.TB, options ...Option) *Guest {
	tb.Helper()
	r, err := shared()
	if err != nil {
		tb.Fatal(explain(err))
	}
	if why := r.unfit.Load(); why != nil {
		tb.Skip(*why) // another scenario has said so
	}
	g := &Guest{tb: &listener{TB: tb}, rig: r, sources: r.modules, stranger: r.stranger, built: map[string]*built{}, refused: map[string]bool{}, madeOf: map[string]string{}}
	for _, option := range options {
		option(g)
	}
	if w, ok := tb.(*witness); ok {
		g.entry = w.entry
	} else if g.entry, err = r.run.Begin(tb.Name()); err != nil {
		tb.Fatalf("begin the record of %s: %v", tb.Name(), err)
	}
	// From here on every way out writes the record: a scenario that could not be judged must be seen.
	tb.Cleanup(g.finish)
	if why := g.lacking(); why != "" {
		g.tb.Skipf("%s", why)
	}
	spec := g.shape(r.spec)
	if err := g.identify(spec); err != nil {
		g.none(err)
	}
	if g.passed = g.hasPassed(); g.passed != nil {
		g.tb.Skipf("unchanged since it passed on %s: not run again (FRESH=1 runs it)", g.passed.When.Format(time.DateTime))
	}
	spec.Console = g.entry.Path("console.log")
	r.busy.Add(1)
	g.vm, err = vm.Clone(r.ctx, spec)
	r.busy.Done()
	if err != nil {
		g.none(err)
	}
	r.adopt(g.vm)
	g.baseline = r.baselines.of(g)
	g.cursor = g.vm.Hello().Log // each clone's own: what the kernel says of itself differs
	return g
}

// none ends the test because there is no guest. Why is kept for who reads the record and not the test's output, as vet, bench and trace do.
func (g *Guest) none(why error) {
	g.tb.Helper()
	g.broken = fmt.Errorf("there was no guest to judge: %w", explain(why))
	g.tb.TB.Fatal(g.broken) // not heard: it is in the record
}

// describe says what guest this was, for the record.
func (g *Guest) describe() report.Guest {
	start := "boot"
	if g.vm.Timing().Cloned {
		start = "clone"
	}
	clock := g.clock
	if clock == "" {
		clock = vm.Realtime
	}
	return report.Guest{
		Kernel: g.rig.kernel.Release, Flavor: g.rig.kernel.Flavor, Accelerator: string(g.vm.Accel()),
		Clock: string(clock), Start: start, CPUs: g.vm.Hello().CPUs,
	}
}

// load is one insmod: the build and where the kernel put it.
type load struct {
	*built
	symbols *finding.Symbolizer
	since   time.Duration // guest time at which it began
	until   time.Duration // and at which init had returned
}

// remember keeps what is needed to name a line of the module later, loaded or not.
func (g *Guest) remember(b *built, answer wire.InsmodAnswer) {
	g.tb.Helper()
	symbols, err := finding.NewSymbolizer(b.Name, b.KO, answer.Sections)
	if err != nil {
		g.tb.Fatalf("read the symbols of %s: %v", b.Name, err)
	}
	g.loads = append(g.loads, load{built: b, symbols: symbols, since: answer.Since, until: answer.Since + answer.Elapsed})
}

// kernelLog reads the guest's kernel log from a cursor on.
func (g *Guest) kernelLog(cursor uint64) wire.KmsgAnswer {
	g.tb.Helper()
	return call(g, wire.Kmsg, wire.KmsgRequest{Cursor: cursor})
}

// saidSince returns what the kernel log holds from a cursor on, as text.
func (g *Guest) saidSince(cursor uint64) string {
	g.tb.Helper()
	var lines []string
	for _, r := range g.kernelLog(cursor).Records {
		lines = append(lines, r.Text)
	}
	return strings.Join(lines, "\n")
}

// NamespacesDie fails the test unless the kernel destroys all namespaces that were deleted, once their clients have
// closed their connections.
func (g *Guest) NamespacesDie() {
	g.tb.Helper()
	call(g, wire.CloseAll, wire.None{})
	living := 0
	for _, n := range g.netns {
		if !n.deleted {
			living++
		}
	}
	if got := g.awaitNamespaces(g.baseline.netns + living); got > g.baseline.netns+living {
		g.tb.Errorf("%d network namespaces live, want %d: something holds a reference to those that were deleted",
			got, g.baseline.netns+living)
	}
}

// saveEvidence writes what was taken from a guest that hangs or died beside the scenario's record.
func (g *Guest) saveEvidence(ctx context.Context) {
	evidence, err := g.vm.Evidence(ctx)
	if err != nil {
		evidence["evidence-error.txt"] = fmt.Appendf(nil, "%v\n", err)
	}
	for name, data := range evidence {
		if err := os.WriteFile(g.entry.Path(name), data, 0o644); err != nil {
			g.tb.Logf("write evidence %s: %v", name, err)
		}
	}
}
