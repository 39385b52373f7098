package cause

import (
	"testing"
	"time"

	"ktcp/guest/wire"
)

// The memory of init is given away: only what was allocated while init ran is the module's.
func TestInitTextCountsOnlyWhileItRan(t *testing.T) {
	m := Module{Name: "kweb", Init: []wire.InitText{
		{Range: wire.Range{Start: 0x1000, End: 0x2000}, From: 10 * time.Second, Until: 11 * time.Second},
		{Range: wire.Range{Start: 0x5000, End: 0x6000}, From: 20 * time.Second, Until: 21 * time.Second},
	}}
	through := func(addr uint64) []wire.StackFrame {
		return []wire.StackFrame{{Func: "mempool_create"}, {Addr: addr}, {Func: "do_one_initcall"}}
	}
	for _, c := range []struct {
		name  string
		stack []wire.StackFrame
		made  []time.Duration
		want  bool
	}{
		{"while init ran", through(0x1800), []time.Duration{10500 * time.Millisecond}, true},
		{"before", through(0x1800), []time.Duration{5 * time.Second}, false},
		{"after, by who got the memory", through(0x1800), []time.Duration{15 * time.Second}, false},
		{"by the first load, and another's later", through(0x1800), []time.Duration{15 * time.Second, 10 * time.Second}, true},
		{"elsewhere", through(0x3000), []time.Duration{10500 * time.Millisecond}, false},
		{"the second load", through(0x5000), []time.Duration{20100 * time.Millisecond}, true},
		{"the second load's text, while the first ran", through(0x5000), []time.Duration{10100 * time.Millisecond}, false},
	} {
		var made []Span
		for _, t := range c.made {
			made = append(made, Span{t - time.Second/4, t + time.Second/4})
		}
		if got := m.initialized(c.stack, made...); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
