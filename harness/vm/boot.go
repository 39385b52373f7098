package vm

import (
	"context"
	"fmt"
	"os"
	"time"

	"ktcp/guest/wire"
)

// boot hands out a guest that was booted from cold.
func (m *machine) boot(ctx context.Context, s Spec) (*Guest, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.BootTimeout)
	defer cancel()
	b, err := m.bootProcess(ctx, nil, s.Console)
	if err != nil {
		return nil, err
	}
	return &Guest{process: b.process, spec: s, accel: m.shape.accel, hello: b.hello, timing: Timing{
		Started:  b.process.started.Sub(began),
		Restored: b.ready.Sub(began),
		Answered: b.answered.Sub(began),
	}}, nil
}

// booted is a guest that has just come up.
type booted struct {
	process         *process
	hello           wire.HelloAnswer
	ready, answered time.Time
}

// bootProcess boots a guest until it has answered its first request. ctx bounds it. The guest's memory is written
// through to ram unless that is nil. An error is a [*BootError] unless QEMU could not even be started or the
// caller gave up.
func (m *machine) bootProcess(ctx context.Context, ram *os.File, console string) (*booted, error) {
	l := m.launch()
	l.kernel, l.initramfs, l.cmdline = m.spec.Kernel.Image, m.spec.Image.Path, kernelArgs(m.shape, m.spec.Append)
	l.ram, l.shared = ram, ram != nil
	l.console = console
	p, err := start(l)
	if err != nil {
		return nil, err
	}
	b := &booted{process: p}
	if err := b.await(ctx); err != nil {
		stage := p.stage()
		_ = p.kill()
		if ctx.Err() == context.Canceled {
			return nil, fmt.Errorf("boot guest: %w", ctx.Err())
		}
		return nil, &BootError{Stage: stage, Err: err, Console: p.console.bytes()}
	}
	return b, nil
}

// await waits for the agent's first word and then for its first answer.
func (b *booted) await(ctx context.Context) error {
	p := b.process
	select {
	case <-p.session.ready:
	case <-p.session.broken:
		return p.session.brokenBy
	case <-p.dead:
		return p.death
	case <-ctx.Done():
		return fmt.Errorf("gave up after %v: %w", time.Since(p.started).Round(time.Second), ctx.Err())
	}
	b.ready = time.Now()
	var err error
	b.hello, err = p.hello(ctx)
	b.answered = time.Now()
	return err
}

// stage says how far a guest came that did not come up.
func (p *process) stage() string {
	_, opened := p.monitor.find(portOpened)
	switch {
	case opened:
		return "the agent opened its port but did not answer"
	case len(p.console.bytes()) > 0:
		return "the kernel ran but the agent's port " + portName + " was never opened (no virtio-serial in this kernel?)"
	default:
		return "nothing on the console, not even from the kernel"
	}
}
