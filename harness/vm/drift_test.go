package vm

import (
	"testing"
	"time"
)

func TestDrift(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		d    drift
		want bool
	}{
		{drift{guest: s, least: s, most: s}, false},
		{drift{guest: s + 50*time.Millisecond, least: s, most: s}, false},
		{drift{guest: 3 * s, least: s, most: s + 100*time.Millisecond}, true},          // calibrated on a busy host
		{drift{guest: 700 * time.Millisecond, least: s, most: 2 * s}, true},            // too slow
		{drift{guest: 2 * s, least: s, most: 2*s + 100*time.Millisecond}, false},       // the requests took long: nobody knows
		{drift{guest: s, least: 900 * time.Millisecond, most: 3 * s}, false},           // likewise
		{drift{guest: 1300 * time.Millisecond, least: s, most: 1100 * s / 1000}, true}, // a little is too much
	} {
		if got := c.d.wrong(); got != c.want {
			t.Errorf("%v: wrong() = %v", c.d, got)
		}
	}
}
