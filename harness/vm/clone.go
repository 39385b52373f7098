package vm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// clone hands out a clone of the machine's template, or where cloning does not work a guest that was booted from cold.
func (m *machine) clone(ctx context.Context, s Spec, began time.Time) (*Guest, error) {
	t, err := m.cloneable(ctx)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return m.boot(ctx, s)
	}
	g, err := m.restore(ctx, t, s, began)
	if err == nil || !errors.Is(err, errMigrate) {
		return g, err
	}
	if err := m.giveUpClones(ctx, err); err != nil {
		return nil, err
	}
	return m.boot(ctx, s)
}

// cloneable returns the template, or nil where cloning was given up.
func (m *machine) cloneable(ctx context.Context) (*template, error) {
	if err := take(ctx, m.turn); err != nil {
		return nil, fmt.Errorf("wait for template: %w", err)
	}
	defer give(m.turn)
	if m.noClones != nil {
		return nil, nil
	}
	t, err := m.saved(ctx)
	if errors.Is(err, errMigrate) && ctx.Err() == nil {
		m.forgo(err)
		return nil, nil
	}
	return t, err
}

// giveUpClones remembers that cloning does not work.
func (m *machine) giveUpClones(ctx context.Context, why error) error {
	if err := take(ctx, m.turn); err != nil {
		return fmt.Errorf("boot guest: %w", err)
	}
	defer give(m.turn)
	if m.noClones == nil {
		m.forgo(why)
	}
	return nil
}

func (m *machine) forgo(why error) {
	m.noClones = why
	m.spec.Logf("clones do not work here: %v; guests boot from cold, which takes seconds each", why)
}

// restore makes a clone. An error that is about cloning and not about this guest wraps errMigrate.
func (m *machine) restore(ctx context.Context, t *template, s Spec, began time.Time) (*Guest, error) {
	bounded, cancel := context.WithTimeout(ctx, s.RestoreTimeout)
	defer cancel()
	state, err := feed(t.state)
	if err != nil {
		return nil, err
	}
	defer state.Close()
	l := m.launch()
	l.ram, l.state, l.incoming, l.console = t.ram, state, true, s.Console
	p, err := start(l)
	if err != nil {
		return nil, err
	}
	g := &Guest{process: p, spec: s, accel: m.shape.accel, boot: t.console, template: t.key}
	if err := g.await(bounded); err != nil {
		_ = p.kill()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("clone guest: %w", ctx.Err())
		}
		return nil, fmt.Errorf("clone guest: %w: %w", errMigrate, err)
	}
	g.timing = Timing{Cloned: true, Started: p.started.Sub(began), Answered: time.Since(began)}
	if e, ok := p.monitor.find(named("RESUME")); ok {
		g.timing.Restored = eventTime(e).Sub(began)
	}
	return g, nil
}

// await lets the clone run and waits for its first answer. The request waits in the port before the guest is there.
func (g *Guest) await(ctx context.Context) error {
	p := g.process
	restored := make(chan error, 1)
	go func() { restored <- p.restore(ctx) }()
	answered := make(chan error, 1)
	go func() {
		var err error
		g.hello, err = p.hello(ctx)
		answered <- err
	}()
	select {
	case err := <-answered:
		return errors.Join(err, <-restored)
	case err := <-restored:
		if err != nil {
			_ = p.kill() // ends the request
			return errors.Join(err, ignoreDeath(<-answered))
		}
		return <-answered
	}
}

// ignoreDeath drops the error of a request to a guest that was closed.
func ignoreDeath(err error) error {
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}
