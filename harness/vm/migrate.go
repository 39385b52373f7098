package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/digitalocean/go-qemu/qmp"
	"golang.org/x/sys/unix"
)

// capability switches a capability of QEMU's migration.
type capability struct {
	Capability string `json:"capability"`
	State      bool   `json:"state"`
}

// capabilities are the arguments of migrate-set-capabilities.
type capabilities struct {
	Capabilities []capability `json:"capabilities"`
}

// ignoreShared leaves the guest's memory out of the saved state: it is in its file already. It is the one capability that both
// sides must agree on.
var ignoreShared = capability{"x-ignore-shared", true}

// save stops the guest and returns the state of its devices; its memory is in its file. The guest is saved while it runs, so that
// a clone goes on by itself.
func (b *booted) save(ctx context.Context, s shape) ([]byte, error) {
	err := b.process.settle(ctx, s)
	var state []byte
	if err == nil {
		state, err = b.process.save(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("save guest: %w: %w", errMigrate, err)
	}
	return state, nil
}

func (p *process) save(ctx context.Context) ([]byte, error) {
	// A pipe and not the file itself: what QEMU takes for "fd:" differs between versions, but a pipe all of them do.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	defer w.Close()
	m := p.monitor
	wanted := capabilities{[]capability{ignoreShared, {"events", true}}}
	if err := m.command(ctx, "migrate-set-capabilities", wanted, nil); err != nil {
		return nil, err
	}
	if err := m.command(ctx, "getfd", map[string]string{"fdname": "state"}, w); err != nil {
		return nil, err
	}
	w.Close()
	type result struct {
		state []byte
		err   error
	}
	saved := make(chan result, 1)
	go func() {
		state, err := io.ReadAll(r) // ends when QEMU closes its end, at the latest by ending
		saved <- result{state, err}
	}()
	if err := m.within(ctx).Migrate("fd:state", nil, nil, nil); err != nil {
		return nil, err
	}
	end, err := m.await(ctx, func(e qmp.Event) bool {
		return e.Event == "MIGRATION" && (e.Data["status"] == "completed" || e.Data["status"] == "failed")
	})
	if err != nil {
		return nil, err
	}
	if end.Data["status"] == "failed" {
		return nil, p.migrationError(ctx)
	}
	select {
	case s := <-saved:
		return s.state, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// migrationError asks QEMU what it was that failed.
func (p *process) migrationError(ctx context.Context) error {
	info, err := p.monitor.within(ctx).QueryMigrate()
	if err != nil {
		return err
	}
	if info.ErrorDesc == nil {
		return errors.New("QEMU does not say why")
	}
	return errors.New(*info.ErrorDesc)
}

// restore has a QEMU that was started for it take over a saved state, which then runs.
func (p *process) restore(ctx context.Context) error {
	err := p.monitor.command(ctx, "migrate-set-capabilities", capabilities{[]capability{ignoreShared}}, nil)
	if err == nil {
		err = p.monitor.within(ctx).MigrateIncoming(fmt.Sprintf("fd:%d", p.stateFD))
	}
	return err
}

// feed returns the reading end of a pipe that yields state. A goroutine writes what the pipe does not hold; it ends
// with the last reader.
func feed(state []byte) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe for saved state: %w", err)
	}
	// In one piece, where the system allows a pipe of that size.
	if raw, err := w.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, len(state)) })
	}
	go func() {
		defer w.Close()
		_, _ = w.Write(state) // a reader that ends early says why itself
	}()
	return r, nil
}
