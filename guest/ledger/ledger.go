package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// protocolCaches begin the names of caches whose objects TCP itself keeps for a while after everything is closed.
var protocolCaches = []string{"tw_sock_", "request_sock_", "tcp_bind", "inet_peer_cache"}

// Ledger reads the kernel's allocation traces.
type Ledger struct {
	traces string // /sys/kernel/debug/slab
	slabs  string // /sys/kernel/slab
	hz     uint64 // jiffies a second
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
	l := &Ledger{traces: "/sys/kernel/debug/slab", slabs: "/sys/kernel/slab", hz: hz}
	l.settle = l.settleKernel
	return l, nil
}

// How often sites are looked at while they may still go.
const (
	firstLook = 2 * time.Millisecond
	lastLook  = 50 * time.Millisecond
)

// Read answers a request. Without sites it is one look at every cache. With sites, those caches that hold them are looked
// at again until they are gone or req.Settle has passed: what is freed by RCU is still there for a moment.
func (l *Ledger) Read(req wire.LedgerRequest) (wire.LedgerAnswer, error) {
	m := module{name: req.Name, text: req.Text, since: req.Since}
	caches, err := l.caches()
	if err != nil {
		return wire.LedgerAnswer{}, err
	}
	answer := wire.LedgerAnswer{Netns: -1}
	var read int
	answer.Sites, read, err = l.sites(caches, m)
	if err != nil {
		return wire.LedgerAnswer{}, err
	}
	answer.Caches = read
	deadline := time.Now().Add(req.Settle)
	for look := firstLook; len(answer.Sites) > 0 && time.Now().Before(deadline); look = min(2*look, lastLook) {
		holding := cachesOf(answer.Sites)
		l.settle(holding)
		if answer.Sites, _, err = l.sites(holding, m); err != nil {
			return wire.LedgerAnswer{}, err
		}
		if len(answer.Sites) > 0 {
			time.Sleep(min(look, time.Until(deadline)))
		}
	}
	return answer, nil
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
	slices.Sort(names)
	return names, nil
}

// sites reads the caches named and returns the module's sites, and how many caches had traces.
func (l *Ledger) sites(caches []string, m module) (sites []wire.Site, read int, err error) {
	mention := m.mention()
	age, err := m.age()
	if err != nil {
		return nil, 0, err
	}
	var buf []byte
	for _, cache := range caches {
		buf, err = readInto(buf[:0], filepath.Join(l.traces, cache, "alloc_traces"))
		if errors.Is(err, os.ErrNotExist) {
			continue // the cache went away, or keeps no traces
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read traces of %s: %w", cache, err)
		}
		read++
		if !mention(buf) {
			continue
		}
		locations, err := parseTraces(buf, mention)
		if err != nil {
			return nil, 0, fmt.Errorf("traces of %s: %w", cache, err)
		}
		for _, loc := range locations {
			if m.caused(loc.stack) && l.duration(loc.ageMin) <= age {
				sites = append(sites, l.site(cache, loc))
			}
		}
	}
	return sites, read, nil
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
		Protocol: slices.ContainsFunc(protocolCaches, func(p string) bool { return strings.HasPrefix(cache, p) }),
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

// cachesOf returns the caches that the sites are in, each once.
func cachesOf(sites []wire.Site) []string {
	var names []string
	for _, s := range sites {
		names = append(names, s.Cache)
	}
	slices.Sort(names)
	return slices.Compact(names)
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
