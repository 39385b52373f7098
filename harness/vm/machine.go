package vm

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"

	"ktcp/harness/cache"
)

// machine is what all guests of one kind share within this process: the accelerator that was found to work, the
// template, and whether cloning works.
type machine struct {
	spec     Spec // of the first who asked
	emulator emulator
	shape    shape
	reason   string // why not KVM

	// turn holds the right to make or check the template. A channel, because waiting for it must end with a context.
	turn     chan struct{}
	template *template // under turn
	noClones error     // under turn: why cloning was given up
}

// machines are kept for the life of the process, as their verdicts are meant to be.
var machines = struct {
	turn  chan struct{} // as in machine
	mu    sync.Mutex
	known map[string]*machine
}{turn: make(chan struct{}, 1), known: map[string]*machine{}}

// prepare returns the machine for s. The first call for a kind of guest decides on the accelerator and says so.
func prepare(ctx context.Context, s Spec) (*machine, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = s.withDefaults()
	wish := os.Getenv(accelVariable)
	key := cache.Key(s.Cache.Root(), s.QEMU, os.Getenv("PATH"), wish, s.identity())
	if m := lookUp(key); m != nil {
		return m, nil
	}
	if err := take(ctx, machines.turn); err != nil {
		return nil, err
	}
	defer give(machines.turn)
	if m := lookUp(key); m != nil {
		return m, nil
	}
	m, err := newMachine(ctx, s, prober{wish: wish, device: kvmDevice})
	if err != nil {
		return nil, err
	}
	machines.mu.Lock()
	defer machines.mu.Unlock()
	machines.known[key] = m
	return m, nil
}

func lookUp(key string) *machine {
	machines.mu.Lock()
	defer machines.mu.Unlock()
	return machines.known[key]
}

// newMachine finds QEMU and decides on the accelerator.
func newMachine(ctx context.Context, s Spec, p prober) (*machine, error) {
	qemu, err := findEmulator(ctx, s.Cache, s.QEMU)
	if err != nil {
		return nil, err
	}
	m := &machine{
		spec: s, emulator: qemu, turn: make(chan struct{}, 1),
		shape: shape{accel: TCG, clock: s.Clock, cpus: s.CPUs, memoryMiB: s.MemoryMiB},
	}
	m.shape.accel, m.reason, err = p.decide(ctx, m)
	if err != nil {
		return nil, err
	}
	if m.reason == "" {
		s.Logf("accelerator: %s", m.shape.accel)
	} else {
		s.Logf("accelerator: %s (%s)", m.shape.accel, m.reason)
	}
	return m, nil
}

// identity is everything of a Spec that a guest's content and shape depend on.
func (s Spec) identity() string {
	return cache.Key(s.Kernel.ID, s.Image.ID, string(s.Clock), strconv.Itoa(s.CPUs), strconv.Itoa(s.MemoryMiB),
		strings.Join(s.Append, " "))
}

// launch is what every start of this machine's QEMU has in common.
func (m *machine) launch() launch {
	return launch{emulator: m.emulator, shape: m.shape, cache: m.spec.Cache}
}

// take waits for a right of which there is one.
func take(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func give(turn chan struct{}) { <-turn }
