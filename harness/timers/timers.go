package timers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ktcp/harness/introspect"
)

// ErrWheel is returned where a wheel makes no sense: the guest may have been stopped while it wrote it.
var ErrWheel = errors.New("the timer wheel makes no sense")

// Timer is one that has outlived its module.
type Timer struct {
	// Func is the address of what it would call, 0 where that cannot be known: the timer itself lay in memory that is gone.
	Func uint64
	At   uint64        // the address of the timer
	In   time.Duration // until it fires, in guest time; 0 where that is not known: high-resolution timers go by clocks of their own
	Work bool          // Func is that of work that the timer puts off
}

// Where x86-64 loads modules: above its kernel, whether that may be anywhere or not, and below the fixed mappings.
const (
	modulesStart = 0xffffffffa0000000
	modulesEnd   = 0xffffffffff000000
)

const (
	// mostBases is how many wheels a processor may have: 2 since 4.15, 3 since 6.9.
	mostBases = 4
	// mostTimers is more than there are in one slot of a wheel, unless it leads round in a circle.
	mostTimers  = 1 << 20
	pointerSize = 8
)

// Reader reads the wheels of one kernel. It may be used for any number of guests, by several goroutines at once.
type Reader struct {
	kernel                 *introspect.Kernel
	hz                     uint64
	base, timer            introspect.Struct
	delayed, work          introspect.Struct
	trees                  trees
	bases, offsets         uint64 // addresses of variables; bases is relative to a processor's area
	perCPU                 int    // how many bases each processor has
	jiffies, cpus, putsOff uint64
}

// New returns a reader for a kernel with this configuration: "CONFIG_HZ" → "250". The error wraps [introspect.ErrNoField] or
// [introspect.ErrNoSymbol] where the kernel does not tell how its wheels are laid out.
func New(k *introspect.Kernel, config map[string]string) (*Reader, error) {
	r := &Reader{kernel: k}
	var err error
	if r.hz, err = introspect.HZ(config); err != nil {
		return nil, fmt.Errorf("read timers: %w", err)
	}
	need := k.Lookup()
	r.base = need.Struct("timer_base", "vectors")
	r.timer = need.Struct("timer_list", "entry", "expires", "function")
	r.delayed = need.Struct("delayed_work", "work", "timer")
	r.work = need.Struct("work_struct", "func")
	r.bases, r.offsets, r.jiffies = need.Address("timer_bases"), need.Address("__per_cpu_offset"), need.Address("jiffies")
	r.cpus, r.putsOff = need.Address("nr_cpu_ids"), need.Address("delayed_work_timer_fn")
	r.trees = newTrees(need)
	if err := need.Err(); err != nil {
		return nil, fmt.Errorf("read timers: %w", err)
	}
	r.perCPU = min(int(k.Symbols.Room(r.bases))/r.base.Size, mostBases)
	if r.perCPU == 0 {
		return nil, fmt.Errorf("read timers: %w: no room for timer_bases", introspect.ErrNoSymbol)
	}
	return r, nil
}

// walk is one reading of one guest.
type walk struct {
	*Reader
	space   *introspect.Space
	modules []*introspect.Module
	now     uint64
}

// Read returns the timers of the guest whose addresses these are that have outlived their modules.
func (r *Reader) Read(space *introspect.Space) ([]Timer, error) {
	modules, err := r.kernel.Modules(space)
	if err != nil {
		return nil, fmt.Errorf("read timers: %w", err)
	}
	w := &walk{Reader: r, space: space, modules: modules}
	if w.now, err = space.Pointer(r.jiffies); err != nil {
		return nil, fmt.Errorf("read jiffies: %w", err)
	}
	cpus, err := space.Uint(r.cpus, 4)
	if err != nil {
		return nil, fmt.Errorf("read the number of processors: %w", err)
	}
	var all []Timer
	for cpu := range cpus {
		area, err := space.Pointer(r.offsets + pointerSize*cpu)
		if err != nil {
			return nil, fmt.Errorf("read the area of processor %d: %w", cpu, err)
		}
		for i := range r.perCPU {
			found, err := w.wheel(area + r.bases + uint64(i*r.base.Size))
			if err != nil {
				return nil, fmt.Errorf("timers of processor %d: %w", cpu, err)
			}
			all = append(all, found...)
		}
		found, err := w.highRes(area + r.trees.bases)
		if err != nil {
			return nil, fmt.Errorf("high-resolution timers of processor %d: %w", cpu, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// wheel reads one base.
func (w *walk) wheel(at uint64) (all []Timer, err error) {
	vectors := w.base.Fields["vectors"]
	b := make([]byte, vectors.Size)
	if err := w.space.Read(b, at+uint64(vectors.Offset)); err != nil {
		return nil, err
	}
	for ; len(b) >= pointerSize; b = b[pointerSize:] { // struct hlist_head is one pointer
		for node, n := binary.LittleEndian.Uint64(b), 0; node != 0; n++ {
			if n == mostTimers {
				return nil, fmt.Errorf("%w: a slot leads round in a circle", ErrWheel)
			}
			timer := node - uint64(w.timer.Fields["entry"].Offset)
			raw := make([]byte, w.timer.Size)
			err := w.space.Read(raw, timer)
			if errors.Is(err, introspect.ErrUnmapped) && gone(w.modules, timer) {
				all = append(all, Timer{At: timer})
				break // where the next would be is gone with it
			}
			if err != nil {
				return nil, fmt.Errorf("timer at %#x: %w", timer, err)
			}
			t := Timer{Func: w.timer.Of(raw, "function"), At: timer}
			if t.Func == w.putsOff {
				t.Work = true
				work := timer - uint64(w.delayed.Fields["timer"].Offset) + uint64(w.delayed.Fields["work"].Offset)
				if t.Func, err = w.space.Pointer(work + uint64(w.work.Fields["func"].Offset)); err != nil {
					return nil, fmt.Errorf("work at %#x: %w", work, err)
				}
			}
			if gone(w.modules, t.Func) {
				t.In = time.Duration(int64(w.timer.Of(raw, "expires")-w.now)) * time.Second / time.Duration(w.hz)
				all = append(all, t)
			}
			// struct hlist_node begins with the next one.
			node = binary.LittleEndian.Uint64(raw[w.timer.Fields["entry"].Offset:])
		}
	}
	return all, nil
}

// gone reports whether an address is one of a module that is not loaded.
func gone(modules []*introspect.Module, addr uint64) bool {
	if addr < modulesStart || addr >= modulesEnd {
		return false
	}
	for _, m := range modules {
		if m.Holds(addr) {
			return false
		}
	}
	return true
}
