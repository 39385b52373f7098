package slab

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
	"ktcp/harness/introspect"
)

// ErrBooks is returned where the allocator's books contradict themselves.
var ErrBooks = errors.New("the allocator's books make no sense")

// Reader reads the books of one kernel. It may be used for any number of guests, by several goroutines at once.
type Reader struct {
	kernel *introspect.Kernel
	hz     uint64

	cache, node, slab, track introspect.Struct
	stacks                   depot
	pageSize                 uint64     // of struct page
	caches, jiffies, tick    uint64     // addresses of variables
	storeUser                uint64     // the flag of caches whose objects have tracks
	trackAt                  uint64     // where the track of the allocation is, in bytes after the place of all tracks
	shadow                   uint64     // of generic KASAN, where address 0 has its shadow; 0: none
	pages                    *pageBooks // nil: none
	pageless                 error      // why there are none on a kernel that keeps them
}

// Pageless returns why the owners of pages cannot be read on a kernel that keeps them, nil where they can, or it keeps none.
func (r *Reader) Pageless() error { return r.pageless }

// AsPrinted returns a reader of what the kernel prints as its traces: without pages, and with objects that KASAN keeps in quarantine after
// they were freed.
func (r *Reader) AsPrinted() *Reader {
	printed := *r
	printed.shadow, printed.pages = 0, nil
	return &printed
}

// storeUser is SLAB_STORE_USER, of kernels in which it is a macro.
const storeUser = 0x10000

// New returns a reader for a kernel with this configuration: "CONFIG_HZ" → "250". The error wraps [introspect.ErrNoField] or
// [introspect.ErrNoSymbol] where the kernel lacks something.
func New(k *introspect.Kernel, config map[string]string) (*Reader, error) {
	r := &Reader{kernel: k, storeUser: storeUser}
	var err error
	if r.hz, err = introspect.HZ(config); err != nil {
		return nil, fmt.Errorf("read slabs: %w", err)
	}
	if config["CONFIG_KASAN_GENERIC"] == "y" {
		if r.shadow, err = strconv.ParseUint(config["CONFIG_KASAN_SHADOW_OFFSET"], 0, 64); err != nil {
			return nil, fmt.Errorf("read slabs: CONFIG_KASAN_SHADOW_OFFSET is %q", config["CONFIG_KASAN_SHADOW_OFFSET"])
		}
	}
	need := k.Lookup()
	r.cache = need.Struct("kmem_cache", "name", "flags", "size", "object_size", "inuse", "offset", "list", "node")
	r.node = need.Struct("kmem_cache_node", "partial", "full")
	r.slab = need.Struct("slab", "slab_list", "freelist", "objects")
	r.track = need.Struct("track", "addr", "handle", "when")
	r.pageSize = uint64(need.Struct("page").Size)
	r.caches, r.jiffies, r.tick = need.Address("slab_caches"), need.Address("jiffies"), need.Address("tick_next_period")
	r.stacks, err = newDepot(k)
	if bit, ok := k.Layout.Values["_SLAB_STORE_USER"]; ok {
		r.storeUser = 1 << bit
	}
	r.trackAt = uint64(k.Layout.Values["TRACK_ALLOC"]) * uint64(r.track.Size)
	if err := errors.Join(need.Err(), err); err != nil {
		return nil, err
	}
	// Slabs are read all the same.
	r.pages, r.pageless = newPageBooks(k, config)
	return r, nil
}

// Bases of a kernel's address space, of kernels in which they are constants.
const (
	pageOffset = 0xffff888000000000
	vmemmap    = 0xffffea0000000000
	pageShift  = 12
)

// mostNodes is how many nodes of memory a kernel can be configured for.
const mostNodes = 1024

// walk is one reading of one guest.
type walk struct {
	*Reader
	space               *introspect.Space
	pageOffset, vmemmap uint64
	nodes               uint64 // how many nodes of memory there can be
	jiffiesNow          uint64
	now                 time.Duration // when they became that, on CLOCK_MONOTONIC
	depot               *openDepot
	namer               *namer
	module              cause.Module
	buf                 []byte
}

// Read returns the sites of objects that were allocated on behalf of a module and are alive in the guest whose addresses these are, and of
// pages that it took itself and still has. read is how
// many caches have tracks and were read: 0 where the kernel keeps none.
func (r *Reader) Read(space *introspect.Space, m cause.Module) (sites []wire.Site, read int, err error) {
	w, err := r.open(space, m)
	if err != nil {
		return nil, 0, err
	}
	err = space.List(r.caches, func(node uint64) error {
		c, err := w.readCache(node - uint64(r.cache.Fields["list"].Offset))
		if err != nil {
			return err
		}
		if !c.tracked || cause.Covered(c.name) {
			return nil
		}
		read++
		found, err := w.sites(c)
		sites = append(sites, found...)
		if err != nil {
			return fmt.Errorf("cache %s: %w", c.name, err)
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read slabs: %w", err)
	}
	pages, err := w.pages()
	if err != nil {
		return nil, 0, err
	}
	return append(sites, pages...), read, nil
}

func (r *Reader) open(space *introspect.Space, m cause.Module) (*walk, error) {
	w := &walk{Reader: r, space: space, module: m}
	var err error
	if w.pageOffset, err = r.kernel.Variable(space, "page_offset_base", pageOffset); err != nil {
		return nil, err
	}
	if w.vmemmap, err = r.kernel.Variable(space, "vmemmap_base", vmemmap); err != nil {
		return nil, err
	}
	if w.jiffiesNow, err = space.Pointer(r.jiffies); err != nil {
		return nil, fmt.Errorf("read jiffies: %w", err)
	}
	next, err := space.Pointer(r.tick)
	if err != nil {
		return nil, fmt.Errorf("read the time of the next jiffy: %w", err)
	}
	w.now = time.Duration(next) - w.duration(1)
	nodes, err := r.kernel.Variable(space, "nr_node_ids", 1)
	if err != nil {
		return nil, err
	}
	w.nodes = nodes & 0xffffffff // an int
	if w.nodes == 0 || w.nodes > mostNodes {
		return nil, fmt.Errorf("%w: %d nodes of memory", ErrBooks, w.nodes)
	}
	if w.namer, err = newNamer(r.kernel, space); err != nil {
		return nil, err
	}
	w.depot = r.stacks.open(space, w.concerns(m))
	return w, nil
}

// concerns returns a quick test for addresses that may be the module's.
func (w *walk) concerns(m cause.Module) func(addr uint64) bool {
	ranges := slices.Clone(m.Text)
	for _, i := range m.Init {
		ranges = append(ranges, i.Range)
	}
	for _, loaded := range w.namer.modules {
		if loaded.Name == m.Name {
			for _, r := range loaded.Regions {
				ranges = append(ranges, wire.Range{Start: r.Start, End: r.End})
			}
		}
	}
	return func(addr uint64) bool {
		return slices.ContainsFunc(ranges, func(r wire.Range) bool { return addr >= r.Start && addr < r.End })
	}
}

func (r *Reader) duration(jiffies uint64) time.Duration {
	return time.Duration(jiffies) * time.Second / time.Duration(r.hz)
}

// site is what is known of the objects that share a stack.
type site struct {
	addr             uint64 // who called, of an object without a stack
	handle           uint32 // of the stack
	count            int
	youngest, oldest uint64 // ages in jiffies
}

// sites returns the module's sites in a cache, those with most objects first.
func (w *walk) sites(c *cacheBooks) ([]wire.Site, error) {
	found := map[uint64]*site{} // by handle, or address
	err := w.objects(c, func(object uint64, track []byte) error {
		s := site{handle: uint32(w.track.Of(track, "handle"))}
		key := uint64(s.handle)
		if s.handle == 0 {
			s.addr = w.track.Of(track, "addr")
			key = s.addr
			if !w.depot.concerns(s.addr) {
				return nil
			}
		} else if concerned, err := w.depot.concerned(s.handle); err != nil || !concerned {
			return err
		}
		if quarantined, err := w.quarantined(object); err != nil || quarantined {
			return err
		}
		// It may be negative: the jiffies of two processors differ by one now and then.
		age := uint64(max(int64(w.jiffiesNow-w.track.Of(track, "when")), 0))
		of := found[key]
		if of == nil {
			of = &site{addr: s.addr, handle: s.handle, youngest: age, oldest: age}
			found[key] = of
		}
		of.count++
		of.youngest, of.oldest = min(of.youngest, age), max(of.oldest, age)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var sites []wire.Site
	for _, s := range found {
		addrs := []uint64{s.addr}
		if s.handle != 0 {
			if addrs, err = w.depot.stack(s.handle); err != nil {
				return nil, err
			}
		}
		stack, err := w.namer.frames(addrs)
		if err != nil {
			return nil, err
		}
		ageMin, ageMax := w.duration(s.youngest), w.duration(s.oldest)
		if w.module.Counts(stack, w.made(ageMin), w.made(ageMax)) {
			sites = append(sites, wire.Site{
				Cache: c.name, Count: s.count, Size: int(c.objectSize), Stack: stack, AgeMin: ageMin, AgeMax: ageMax,
				Protocol: cause.Kept(c.name, stack),
			})
		}
	}
	sortSites(sites)
	return sites, nil
}

// sortSites puts those with most objects first.
func sortSites(sites []wire.Site) {
	slices.SortFunc(sites, func(a, b wire.Site) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(fmt.Sprint(a.Stack), fmt.Sprint(b.Stack)))
	})
}

// shadowScale is how many bits of an address one byte of KASAN's shadow stands for.
const shadowScale = 3

// quarantined reports whether an object that is on no list of free ones has been freed nevertheless, and is kept back by KASAN so that whoever
// uses it still is caught. Its shadow says that its first byte may not be touched, which is below 0 as the kernel has it; of an object that is
// alive it may.
func (w *walk) quarantined(object uint64) (bool, error) {
	if w.shadow == 0 {
		return false, nil
	}
	b, err := w.space.Uint(object>>shadowScale+w.shadow, 1)
	if err != nil {
		return false, fmt.Errorf("read KASAN's shadow of %#x: %w", object, err)
	}
	return int8(b) < 0, nil
}

// made is when an object of that age was made.
func (w *walk) made(age time.Duration) cause.Span {
	return cause.Span{Earliest: w.now - age, Latest: w.now - age + w.duration(1)}
}
