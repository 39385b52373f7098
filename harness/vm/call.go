package vm

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ktcp/guest/wire"
)

// Call asks the agent to perform an operation and waits for its answer. The watchdog is the deadline of ctx where
// it has one, otherwise the RequestTimeout of the guest's [Spec].
//
// Errors: a [*wire.Error] when the operation failed in the guest (errors.Is with a syscall.Errno looks into it), a
// [*DeadError] when the guest ended, a [*SilentError] when the watchdog ran out, [ErrProtocol] when the answer makes no sense, and
// what ctx ended with when it was cancelled.
func Call[Req, Res any](ctx context.Context, g *Guest, op wire.Op[Req, Res], req Req) (Res, error) {
	var res Res
	ctx, cancel := withWatchdog(ctx, g.spec.RequestTimeout)
	defer cancel()
	err := g.process.ask(ctx, op.Name, req, &res)
	g.note(err)
	return res, err
}

// withWatchdog gives ctx a deadline unless it has one.
func withWatchdog(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// headRoom is what a frame takes beside its body, in bytes.
const headRoom = 1024

// ask makes one request. ctx must have a deadline.
func (p *process) ask(ctx context.Context, op string, req, res any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode request %s: %w", op, err)
	}
	if len(body) > wire.MaxFrame-headRoom {
		return fmt.Errorf("encode request %s of %d bytes: %w", op, len(body), wire.ErrFrameTooLarge)
	}
	began := time.Now()
	f, err := p.session.call(ctx, p.dead, op, body)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &SilentError{Op: op, After: time.Since(began)}
	case err != nil:
		return fmt.Errorf("%s: %w", op, err)
	case f == nil:
		return p.death
	case f.Err != nil:
		return f.Err
	}
	if err := json.Unmarshal(f.Body, res); err != nil {
		return fmt.Errorf("%w: decode answer to %s: %w", ErrProtocol, op, err)
	}
	return nil
}

// seedSize is the number of random bytes that each guest is given.
const seedSize = 64

// hello makes the first request: it gives the guest its own time and random numbers.
func (p *process) hello(ctx context.Context) (wire.HelloAnswer, error) {
	seed := make([]byte, seedSize)
	_, _ = rand.Read(seed) // never fails
	var res wire.HelloAnswer
	err := p.ask(ctx, wire.Hello.Name, wire.HelloRequest{UnixNano: time.Now().UnixNano(), Seed: seed}, &res)
	if err == nil && res.Version != wire.Version {
		err = fmt.Errorf("%w: agent speaks version %d, host %d", ErrProtocol, res.Version, wire.Version)
	}
	return res, err
}
