package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ktcp/guest/wire"
)

// Guest is a guest that has answered its first request. Its methods may be called by several goroutines at once.
type Guest struct {
	process *process
	spec    Spec
	accel   Accel
	hello   wire.HelloAnswer
	timing  Timing
	boot    []byte // console of the template's boot

	template string // its key

	mu     sync.Mutex
	silent error // the first request that was not answered
}

// Timing says how long a guest took to come, from the request for it on.
type Timing struct {
	// Cloned tells a clone from a cold boot.
	Cloned bool
	// Started: QEMU runs.
	Started time.Duration
	// Restored: a clone's processors run, by QEMU's own clock; for a boot, the agent said that it is ready.
	Restored time.Duration
	// Answered: the first answer came.
	Answered time.Duration
}

// Boot boots a guest from cold.
func Boot(ctx context.Context, s Spec) (*Guest, error) {
	m, err := prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	return m.boot(ctx, s.withDefaults())
}

// Clone returns a clone of the template that belongs to s, which is made first where there is none. Where cloning does not work
// it says so through Logf and boots a guest from cold, then and for the rest of this process.
func Clone(ctx context.Context, s Spec) (*Guest, error) {
	began := time.Now()
	m, err := prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	return m.clone(ctx, s.withDefaults(), began)
}

// Accelerator returns what executes the instructions of guests of s, and why it is not KVM: "" where it is.
func Accelerator(ctx context.Context, s Spec) (Accel, string, error) {
	m, err := prepare(ctx, s)
	if err != nil {
		return "", "", err
	}
	return m.shape.accel, m.reason, nil
}

// Identity identifies the guests of s: all of the same identity begin as clones of one template, or are booted from the same files with the same
// command line, by the same QEMU.
func Identity(ctx context.Context, s Spec) (string, error) {
	m, err := prepare(ctx, s)
	if err != nil {
		return "", err
	}
	return m.templateKey(), nil
}

// Close ends the guest at once and returns when nothing of it is left. It may be called more than once. An error
// tells that the console could not be written to its file.
func (g *Guest) Close() error { return g.process.kill() }

// Done returns a channel that is closed when the guest has ended.
func (g *Guest) Done() <-chan struct{} { return g.process.dead }

// Err returns nil while the guest runs and has answered every request, otherwise a [*DeadError] or the first
// [*SilentError].
func (g *Guest) Err() error {
	select {
	case <-g.process.dead:
		return g.process.death
	default:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.silent
}

// note remembers that a request was not answered.
func (g *Guest) note(err error) {
	if !errors.Is(err, ErrSilent) && !errors.Is(err, ErrProtocol) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.silent == nil {
		g.silent = err
	}
}

// Console returns what the guest has printed on its serial console so far, with QEMU's own words: of a clone, since it
// was cloned. It still does so after Close.
func (g *Guest) Console() []byte { return g.process.console.bytes() }

// BootConsole returns what was printed while the guest's template booted; nothing for a guest that booted itself.
func (g *Guest) BootConsole() []byte { return bytes.Clone(g.boot) }

// Template names the saved guest that this one is a clone of, "" for one that booted itself. Guests with the same
// template were the same in every byte when they began.
func (g *Guest) Template() string { return g.template }

// Hello returns the answer to the first request.
func (g *Guest) Hello() wire.HelloAnswer { return g.hello }

// Accel returns what executes the guest's instructions.
func (g *Guest) Accel() Accel { return g.accel }

// Timing returns how long the guest took to come.
func (g *Guest) Timing() Timing { return g.timing }

// String describes the guest in a few words.
func (g *Guest) String() string {
	how := "booted"
	if g.timing.Cloned {
		how = "cloned"
	}
	return fmt.Sprintf("%s, %d CPU, %d MiB, %s clock, %s, %s in %v", g.hello.Release, g.hello.CPUs, g.spec.MemoryMiB,
		g.spec.Clock, g.accel, how, g.timing.Answered.Round(time.Millisecond))
}
