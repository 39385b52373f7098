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

func newTrees(need *introspect.Lookup) trees {
	timer, node := need.Struct("hrtimer", "node", "function"), need.Struct("rb_node", "rb_left", "rb_right")
	return trees{
		bases:  need.Address("hrtimer_bases"),
		clocks: need.Struct("hrtimer_cpu_base", "clock_base").Fields["clock_base"],
		clock:  uint64(need.Struct("hrtimer_clock_base").Size),
		// struct timerqueue_head is a struct rb_root_cached, which begins with its struct rb_root, one pointer.
		root:  need.Offset("hrtimer_clock_base", "active") + need.Offset("timerqueue_head", "rb_root") + need.Offset("rb_root_cached", "rb_root"),
		timer: timer,
		node:  uint64(timer.Fields["node"].Offset) + need.Offset("timerqueue_node", "node"),
		left:  uint64(node.Fields["rb_left"].Offset), right: uint64(node.Fields["rb_right"].Offset), nodeLen: node.Size,
	}
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
