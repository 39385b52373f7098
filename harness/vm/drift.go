package vm

import (
	"context"
	"fmt"
	"os"
	"time"
)

// A kernel finds out at boot how fast the processor's counter ticks, against a timer that QEMU emulates. On a host that is busy at
// that moment it can be wrong by a factor, and a template would hand its wrong clock to every clone: each deadline in the
// guest would be too short or too long.
const (
	// driftSample is how long the two clocks are compared.
	driftSample = time.Second
	// driftMost is how far apart they may be, as a part of the time that has passed.
	driftMost = 0.1
	// driftBoots is how often a guest is booted before the host is given up as too busy.
	driftBoots = 4
)

// drift is how much guest time has passed during host time. Host time has two bounds, because requests take time themselves.
type drift struct {
	guest       time.Duration
	least, most time.Duration
}

// wrong reports whether the guest's clock runs too fast or too slow.
func (d drift) wrong() bool {
	return float64(d.guest) < float64(d.least)*(1-driftMost) || float64(d.guest) > float64(d.most)*(1+driftMost)
}

func (d drift) String() string {
	return fmt.Sprintf("%v passed for the guest in %v to %v", d.guest.Round(time.Millisecond), d.least.Round(time.Millisecond),
		d.most.Round(time.Millisecond))
}

// drift compares the guest's clock with the host's.
func (b *booted) drift(ctx context.Context) (drift, error) {
	before := time.Now()
	first, err := b.process.hello(ctx)
	if err != nil {
		return drift{}, fmt.Errorf("compare clocks: %w", err)
	}
	between := time.Now()
	timer := time.NewTimer(driftSample)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return drift{}, fmt.Errorf("compare clocks: %w", ctx.Err())
	}
	again := time.Now()
	second, err := b.process.hello(ctx)
	if err != nil {
		return drift{}, fmt.Errorf("compare clocks: %w", err)
	}
	return drift{guest: second.Uptime - first.Uptime, least: again.Sub(between), most: time.Since(before)}, nil
}

// bootSteady boots a guest whose clock is the host's, with its memory in a new file in dir.
func (m *machine) bootSteady(ctx context.Context, dir string) (*booted, *os.File, error) {
	for boots := 1; ; boots++ {
		ram, err := newRAM(dir, m.shape.memoryMiB)
		if err != nil {
			return nil, nil, err
		}
		b, err := m.bootProcess(ctx, ram, "")
		if err != nil {
			_ = ram.Close()
			return nil, nil, err
		}
		if m.shape.clock == Instructions { // its time is no host's
			return b, ram, nil
		}
		d, err := b.drift(ctx)
		if err == nil && !d.wrong() {
			return b, ram, nil
		}
		_, _ = b.process.kill(), ram.Close()
		if err != nil {
			return nil, nil, err
		}
		if boots == driftBoots {
			return nil, nil, fmt.Errorf("boot a guest that keeps time: %v, at the last of %d boots: this machine is too busy", d, boots)
		}
		m.spec.Logf("template: its clock is wrong (%v), because this machine was busy while it booted: booting it again", d)
	}
}
