package timers

import (
	"encoding/binary"
	"errors"
	"fmt"

	"ktcp/harness/introspect"
)

// trees is where a processor keeps its high-resolution timers: one red-black tree for each clock.
type trees struct {
	bases   uint64 // the address of its struct hrtimer_cpu_base, relative to its area
	clocks  introspect.Field
	clock   uint64 // bytes of one struct hrtimer_clock_base
	root    uint64 // where in one the root's pointer is
	timer   introspect.Struct
	node    uint64 // where in a timer its node of the tree is
	left    uint64 // where in a node its pointers are
	right   uint64
	nodeLen int
}

func newTrees(k *introspect.Kernel) (t trees, err error) {
	var errs []error
	layout := func(name string, members ...string) introspect.Struct {
		s, err := k.Layout.Struct(name, members...)
		errs = append(errs, err)
		return s
	}
	offset := func(name, member string) uint64 { return uint64(layout(name, member).Fields[member].Offset) }
	t.bases, err = k.Symbols.Address("hrtimer_bases")
	errs = append(errs, err)
	t.clocks = layout("hrtimer_cpu_base", "clock_base").Fields["clock_base"]
	t.clock = uint64(layout("hrtimer_clock_base").Size)
	// struct timerqueue_head is a struct rb_root_cached, which begins with its struct rb_root, one pointer.
	t.root = offset("hrtimer_clock_base", "active") + offset("timerqueue_head", "rb_root") + offset("rb_root_cached", "rb_root")
	t.timer = layout("hrtimer", "node", "function")
	t.node = uint64(t.timer.Fields["node"].Offset) + offset("timerqueue_node", "node")
	node := layout("rb_node", "rb_left", "rb_right")
	t.left, t.right, t.nodeLen = uint64(node.Fields["rb_left"].Offset), uint64(node.Fields["rb_right"].Offset), node.Size
	return t, errors.Join(errs...)
}

// highRes reads the trees of one processor.
func (w *walk) highRes(at uint64) (all []Timer, err error) {
	t := w.trees
	if t.clock == 0 {
		return nil, fmt.Errorf("%w: struct hrtimer_clock_base has no size", introspect.ErrNoField)
	}
	for clock := uint64(0); clock+t.clock <= uint64(t.clocks.Size); clock += t.clock {
		root, err := w.space.Pointer(at + uint64(t.clocks.Offset) + clock + t.root)
		if err != nil {
			return nil, err
		}
		next := []uint64{root}
		for n := 0; len(next) > 0; n++ {
			if n == mostTimers {
				return nil, fmt.Errorf("%w: a tree has no end", ErrWheel)
			}
			node := next[len(next)-1]
			next = next[:len(next)-1]
			if node == 0 {
				continue
			}
			timer := node - t.node
			raw := make([]byte, max(t.timer.Size, int(t.node)+t.nodeLen))
			err := w.space.Read(raw, timer)
			if errors.Is(err, introspect.ErrUnmapped) && gone(w.modules, timer) {
				all = append(all, Timer{At: timer})
				continue // what is below it is gone with it
			}
			if err != nil {
				return nil, fmt.Errorf("timer at %#x: %w", timer, err)
			}
			if fn := t.timer.Of(raw, "function"); gone(w.modules, fn) {
				all = append(all, Timer{Func: fn, At: timer})
			}
			links := raw[t.node:]
			next = append(next, binary.LittleEndian.Uint64(links[t.right:]), binary.LittleEndian.Uint64(links[t.left:]))
		}
	}
	return all, nil
}
