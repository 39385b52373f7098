package vm

import (
	"context"
	"strings"
	"time"
)

const (
	// settleEvery is how often the processors are looked at, and settleFor how often in a row they must be idle.
	settleEvery = 20 * time.Millisecond
	settleFor   = 25
	// settleLimit bounds the wait: a guest that never rests is saved as it is.
	settleLimit = 5 * time.Second
)

// settle waits until a guest has nothing left to do of its boot: whatever is under way when a template is saved, every
// clone has to finish before it answers. QEMU reports no event for this, so its processors are sampled.
func (p *process) settle(ctx context.Context, s shape) error {
	if s.accel != TCG || s.clock != Realtime {
		return nil // KVM does not tell, and the clock of instructions skips idle time
	}
	limit := time.NewTimer(settleLimit)
	defer limit.Stop()
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for idle := 0; idle < settleFor; {
		select {
		case <-tick.C:
		case <-limit.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		registers, err := p.registers(ctx)
		if err != nil {
			return err
		}
		if idle++; strings.Count(registers, "HLT=1") < s.cpus {
			idle = 0
		}
	}
	return nil
}
