package harness

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
	"ktcp/harness/introspect"
	"ktcp/harness/slab"
	"ktcp/harness/timers"
	"ktcp/harness/vm"
)

// ledgerRequests ask for what is alive of each module that was loaded, at each place that it was loaded to.
func (g *Guest) ledgerRequests() []wire.LedgerRequest {
	byModule := map[string][]wire.Range{}
	inits := map[string][]wire.InitText{}
	for _, l := range g.loads {
		for _, r := range l.symbols.InitText() {
			inits[l.Name] = append(inits[l.Name], wire.InitText{Range: r, From: l.since, Until: l.until})
		}
		byModule[l.Name] = append(byModule[l.Name], l.symbols.Text()...)
		if g.swept {
			g.refused[l.Name] = true
		}
	}
	for name := range g.refused {
		byModule[name] = append(byModule[name], moduleSpace)
	}
	var requests []wire.LedgerRequest
	for name, text := range byModule {
		requests = append(requests, wire.LedgerRequest{Name: name, Text: text, Init: inits[name], Since: g.since()})
	}
	return requests
}

// ledgers knows how the slab objects of guests are read: from outside, where the kernel tells how its allocator's books are laid out.
type ledgers struct {
	mu     sync.Mutex
	kernel *introspect.Kernel
	reader *slab.Reader
	timers *timers.Reader // nil where the kernel does not tell how its timers are laid out
	// why says why the guests must print them instead.
	why error
}

// ledger returns what is alive in the guest of what was allocated on behalf of a module. The host reads it from the guest's memory. Where the
// kernel, or this machine, does not allow that, the guest prints it, which takes it seconds when it is emulated. limit is the watchdog of
// each request to the guest, and settle how long sites may take to go, both in wall time; 0 is one look.
func (g *Guest) ledger(limit, settle time.Duration, req wire.LedgerRequest) (wire.LedgerAnswer, error) {
	outside, err := g.outside(limit)
	if err != nil {
		return wire.LedgerAnswer{}, err
	}
	look := func() (wire.LedgerAnswer, error) { return tryWithin(g, limit, wire.Ledger, req) }
	if outside != nil {
		defer outside.memory.Close()
		look = func() (wire.LedgerAnswer, error) { return outside.look(req) }
	}
	return settled(settle, look, func(caches []string) error {
		_, err := tryWithin(g, limit, wire.Settle, wire.SettleRequest{Caches: caches})
		return err
	})
}

// outsideLedger reads a guest's ledger from outside.
type outsideLedger struct {
	g      *Guest
	kernel *introspect.Kernel
	reader *slab.Reader
	timers *timers.Reader
	memory *vm.Memory
	limit  time.Duration
}

// outside returns the way to read the guest's slabs from outside, whose memory the caller must close, or nil where there is none. The
// first guest of a process decides, and may be asked for its symbols.
func (g *Guest) outside(limit time.Duration) (*outsideLedger, error) {
	l := &g.rig.ledgers
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	o := &outsideLedger{g: g, limit: limit}
	var err error
	if o.memory, err = g.vm.Memory(ctx); err == nil && l.reader == nil {
		if err = l.learn(o); err != nil {
			o.memory.Close()
		}
	}
	switch {
	case unlearnable(err):
		Logf("ledger: the guests print it, which takes them seconds, and nobody looks for timers that outlive a module: %v", err)
		l.why = err
		return nil, nil
	case err != nil:
		return nil, err
	}
	o.kernel, o.reader, o.timers = l.kernel, l.reader, l.timers
	return o, nil
}

// unlearnable reports whether an error is that of a kernel that does not tell how its books are laid out, or is not understood, or of a
// machine on which nobody may look into a guest. Any other leaves the oracle blind.
func unlearnable(err error) bool {
	for _, e := range []error{introspect.ErrNoLayout, introspect.ErrNoSymbol, introspect.ErrNoField, fs.ErrPermission} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// learn learns the kernel from a guest.
func (l *ledgers) learn(o *outsideLedger) error {
	rig := o.g.rig
	kernel, err := introspect.Learn(rig.ctx, introspect.Source{
		Kernel: rig.kernel, Cache: rig.cache, Memory: o.memory, Size: o.memory.Size(), Logf: Logf,
		Symbols: func(context.Context) ([]byte, error) {
			answer, err := tryWithin(o.g, o.limit, wire.ReadFile, wire.FileRequest{Path: "/proc/kallsyms"})
			return answer.Data, err
		},
	})
	if err != nil {
		return err
	}
	reader, err := slab.New(kernel, rig.kernel.Config)
	if err != nil {
		return err
	}
	if err := reader.Pageless(); err != nil {
		Logf("ledger: nobody looks at pages: %v", err)
	}
	// What is compiled for its layouts, a kernel of our own, does not hold the timers': its DEBUG_OBJECTS_TIMERS sees what they would.
	timers, err := timers.New(kernel, rig.kernel.Config)
	if err != nil && !unlearnable(err) {
		return err
	}
	if err != nil && rig.kernel.Config["CONFIG_DEBUG_OBJECTS_TIMERS"] != "y" {
		Logf("survivors: nobody looks for timers that outlive a module: %v", err)
	}
	l.kernel, l.reader, l.timers = kernel, reader, timers
	return nil
}

// look reads the slabs, and has the guest list what there is beside them.
func (o *outsideLedger) look(req wire.LedgerRequest) (wire.LedgerAnswer, error) {
	beside, err := tryWithin(o.g, o.limit, wire.Beside, req)
	if err != nil {
		return wire.LedgerAnswer{}, err
	}
	m := cause.Asked(req)
	sites, read, err := o.slabs(m)
	if err != nil {
		return wire.LedgerAnswer{}, err
	}
	return wire.LedgerAnswer{Caches: read, Sites: slices.Concat(sites, m.Areas(beside.Areas, sites), beside.PerCPU), Netns: -1}, nil
}

// readings is how often the books are read that make no sense: the guest may have been stopped while it wrote them.
const readings = 3

func (o *outsideLedger) slabs(m cause.Module) (sites []wire.Site, read int, err error) {
	began := time.Now()
	defer func() { o.g.log.add("slabs", began, m.Name, err) }()
	for range readings {
		sites, read, err = o.once(m)
		if !errors.Is(err, slab.ErrBooks) && !errors.Is(err, introspect.ErrUnmapped) {
			break
		}
	}
	return sites, read, err
}

// once reads the books of one moment.
func (o *outsideLedger) once(m cause.Module) (sites []wire.Site, read int, err error) {
	err = o.still(func(space *introspect.Space) error {
		sites, read, err = o.reader.Read(space, m)
		return err
	})
	return sites, read, err
}

// still has the guest stand still while somebody reads its kernel.
func (o *outsideLedger) still(look func(*introspect.Space) error) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.limit)
	defer cancel()
	resume, err := o.memory.Pause(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resume(ctx)) }()
	space, err := o.kernel.Open(o.memory, o.memory.Size())
	if err != nil {
		return err
	}
	return look(space)
}
