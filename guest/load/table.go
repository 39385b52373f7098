package load

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"ktcp/guest/load/awkward"
	"ktcp/guest/wire"
)

// ErrUnknown is returned for a load that is not running.
var ErrUnknown = errors.New("no such load")

// Namespaces is what the table needs of the agent's network namespaces.
type Namespaces interface {
	// Do runs f on a thread inside the namespace, which is locked to f unless netns is "".
	Do(netns string, f func() error) error
	// Space tells two namespaces of one name apart.
	Space(netns string) (any, error)
}

// Table holds the loads that were started and not yet asked for.
type Table struct {
	spaces Namespaces

	mu   sync.Mutex
	last uint64
	all  map[uint64]*running
}

// running is a load and, once done is closed, its result.
type running struct {
	space  any
	stop   context.CancelFunc
	done   chan struct{}
	result wire.LoadResult
	err    error
}

// NewTable returns an empty table.
func NewTable(spaces Namespaces) *Table {
	return &Table{spaces: spaces, all: map[uint64]*running{}}
}

// Start starts a load.
func (t *Table) Start(req wire.LoadRequest) (wire.LoadStartAnswer, error) {
	s := Spec{LoadRequest: req}
	if req.Netns != "" {
		s.Thread = func(f func() error) error { return t.spaces.Do(req.Netns, f) }
	}
	check, run := Check, Run
	if req.Manner != "" {
		check = func(s Spec) error { return awkward.Check(s.clients()) }
		run = func(ctx context.Context, s Spec) (wire.LoadResult, error) { return awkward.Run(ctx, s.clients()) }
	}
	if err := check(s); err != nil {
		return wire.LoadStartAnswer{}, err
	}
	space, err := t.spaces.Space(req.Netns)
	if err != nil {
		return wire.LoadStartAnswer{}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{space: space, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer cancel()
		r.result, r.err = run(ctx, s)
	}()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.all[t.last] = r
	return wire.LoadStartAnswer{Load: t.last}, nil
}

// clients is the same for awkward ones.
func (s Spec) clients() awkward.Spec {
	return awkward.Spec{LoadRequest: s.LoadRequest, Thread: s.Thread, Answered: s.Answered}
}

// Stop stops a load, or waits until its requests are done, and returns its result. The load is forgotten then.
func (t *Table) Stop(req wire.LoadStopRequest) (wire.LoadResult, error) {
	t.mu.Lock()
	r := t.all[req.Load]
	t.mu.Unlock()
	if r == nil {
		return wire.LoadResult{}, fmt.Errorf("%w: %d", ErrUnknown, req.Load)
	}
	if !req.Wait {
		r.stop()
	}
	<-r.done
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, req.Load)
	return r.result, r.err
}

// StopAll stops every load, forgets it and returns how many there were.
func (t *Table) StopAll() int {
	stopped := t.stopIf(func(*running) bool { return true })
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range stopped {
		delete(t.all, id)
	}
	return len(stopped)
}

// StopIn stops the loads that were started in the namespace that has this name now. Their results can still be asked
// for.
func (t *Table) StopIn(netns string) error {
	space, err := t.spaces.Space(netns)
	if err != nil {
		return err
	}
	t.stopIf(func(r *running) bool { return r.space == space })
	return nil
}

// stopIf stops the loads that match, waits for them and returns their names.
func (t *Table) stopIf(match func(*running) bool) (stopped []uint64) {
	t.mu.Lock()
	var wait []*running
	for id, r := range t.all {
		if match(r) {
			r.stop()
			stopped = append(stopped, id)
			wait = append(wait, r)
		}
	}
	t.mu.Unlock()
	for _, r := range wait {
		<-r.done
	}
	return stopped
}
