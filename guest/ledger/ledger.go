package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
)

// Ledger reads the kernel's allocation traces.
type Ledger struct {
	traces string // /sys/kernel/debug/slab
	slabs  string // /sys/kernel/slab
	// vmalloc is /proc/vmallocinfo.
	vmalloc string
	perCPU  perCPU
	hz      uint64 // jiffies a second
	// settle has the kernel free what it has only put off.
	settle func(caches []string)
}

// New returns the ledger of the running kernel. It must be called within the first minutes after boot, in
// which the kernel's jiffies tell how many there are to a second.
func New() (*Ledger, error) {
	hz, err := readHZ()
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		traces: "/sys/kernel/debug/slab", slabs: "/sys/kernel/slab", vmalloc: "/proc/vmallocinfo",
		perCPU: perCPU{dir: "/sys/kernel/tracing", symbols: "/proc/kallsyms"},
		hz:     hz,
	}
	if err := l.perCPU.begin(); err != nil {
		return nil, err
	}
	l.settle = l.settleKernel
	return l, nil
}

// Read answers a request with what there is now. What the kernel has only put off freeing is still there: see [Ledger.Settle].
func (l *Ledger) Read(req wire.LedgerRequest) (wire.LedgerAnswer, error) {
	caches, err := l.caches()
	if err != nil {
		return wire.LedgerAnswer{}, err
	}
	answer := wire.LedgerAnswer{Netns: -1}
	m := cause.Asked(req)
	answer.Sites, answer.Caches, err = l.sites(caches, m)
	if err != nil {
		return answer, err
	}
	areas, err := l.areas(m)
	if err != nil {
		return answer, err
	}
	perCPU, err := l.perCPU.sites(m)
	answer.Sites = slices.Concat(answer.Sites, m.Areas(areas, answer.Sites), perCPU)
	return answer, err
}

// Settle has the kernel free what it has put off, and give up what the caches named keep in reserve.
func (l *Ledger) Settle(req wire.SettleRequest) (wire.None, error) {
	l.settle(req.Caches)
	return wire.None{}, nil
}

// Beside answers a request with what there is beside the slab, which is cheap to list.
func (l *Ledger) Beside(req wire.LedgerRequest) (answer wire.BesideAnswer, err error) {
	m := cause.Asked(req)
	if answer.Areas, err = l.areas(m); err != nil {
		return answer, err
	}
	answer.PerCPU, err = l.perCPU.sites(m)
	return answer, err
}

// caches lists the caches that have traces. A kernel without slub_debug=U has none, which is no error here: the answer
// says so.
func (l *Ledger) caches() ([]string, error) {
	dir, err := os.Open(l.traces)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list slab caches: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list slab caches: %w", err)
	}
	names = slices.DeleteFunc(names, cause.Covered)
	slices.Sort(names)
	return names, nil
}

// sites reads the caches named, and returns the module's sites, and how many caches had traces. It takes every CPU, since the
// kernel spends long on naming the functions of each stack.
func (l *Ledger) sites(caches []string, m cause.Module) (sites []wire.Site, read int, err error) {
	found := make([][]wire.Site, len(caches)) // nil where there are no traces
	errs := make([]error, len(caches))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.NumCPU(), len(caches)) {
		wg.Go(func() {
			var buf []byte
			for i := next.Add(1) - 1; i < int64(len(caches)); i = next.Add(1) - 1 {
				found[i], buf, errs[i] = l.cacheSites(caches[i], m, buf)
			}
		})
	}
	wg.Wait()
	for _, f := range found {
		if f != nil {
			read++
		}
		sites = append(sites, f...)
	}
	return sites, read, errors.Join(errs...)
}

// cacheSites returns the module's sites in one cache: nil when the cache keeps no traces or has gone away. buf is room
// that is used and handed back.
func (l *Ledger) cacheSites(cache string, m cause.Module, buf []byte) ([]wire.Site, []byte, error) {
	before, err := monotonic()
	if err != nil {
		return nil, buf, err
	}
	buf, err = readInto(buf[:0], filepath.Join(l.traces, cache, "alloc_traces"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, buf, nil
	}
	if err != nil {
		return nil, buf, fmt.Errorf("read traces of %s: %w", cache, err)
	}
	sites := []wire.Site{}
	mentioned := mention(m)
	if !mentioned(buf) {
		return sites, buf, nil
	}
	now, err := monotonic() // the kernel has reckoned the objects' ages between before and now
	if err != nil {
		return nil, buf, err
	}
	locations, err := parseTraces(buf, mentioned)
	if err != nil {
		return nil, buf, fmt.Errorf("traces of %s: %w", cache, err)
	}
	for _, loc := range locations {
		youngest, oldest := l.duration(loc.ageMin), l.duration(loc.ageMax)
		if m.Counts(loc.stack, cause.Span{Earliest: before - youngest, Latest: now - youngest},
			cause.Span{Earliest: before - oldest, Latest: now - oldest}) {
			sites = append(sites, l.site(cache, loc))
		}
	}
	return sites, buf, nil
}

// monotonic is the time since boot.
func monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// site puts a location in the host's terms.
func (l *Ledger) site(cache string, loc location) wire.Site {
	return wire.Site{
		Cache:    cache,
		Count:    loc.count,
		Size:     l.objectSize(cache),
		Stack:    loc.stack,
		AgeMin:   l.duration(loc.ageMin),
		AgeMax:   l.duration(loc.ageMax),
		Protocol: cause.Kept(cache, loc.stack),
	}
}

// objectSize is the size of a cache's objects as they were asked for, or 0 where the kernel does not say.
func (l *Ledger) objectSize(cache string) int {
	text, err := os.ReadFile(filepath.Join(l.slabs, cache, "object_size"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

func (l *Ledger) duration(jiffies uint64) time.Duration {
	return time.Duration(jiffies) * time.Second / time.Duration(l.hz)
}

// readInto appends a file's content to buf. Traces have no size before they are read, and come a page at a time.
func readInto(buf []byte, path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return buf, err
	}
	defer unix.Close(fd)
	for {
		buf = slices.Grow(buf, 64<<10)
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return buf, err
		case n == 0:
			return buf, nil
		default:
			buf = buf[:len(buf)+n]
		}
	}
}
