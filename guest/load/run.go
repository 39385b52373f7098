package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Run runs the clients until ctx ends, the requests are done or the duration has passed, and returns what they saw. An error means
// that the load could not be run at all, or with [ErrGone] not to its end: there are results then.
func Run(ctx context.Context, s Spec) (wire.LoadResult, error) {
	p, err := s.validate()
	if err != nil {
		return wire.LoadResult{}, err
	}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return wire.LoadResult{}, fmt.Errorf("eventfd: %w", err)
	}
	defer unix.Close(stop)
	// Readable for ever once written to, so that it wakes every thread.
	told := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(told)
		_, _ = unix.Write(stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	keepProcessors(p.threads)
	g := newGate(ctx, p.threads, p.At)
	all := left(p)
	workers := make([]*worker, p.threads)
	errs := make([]error, p.threads)
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = &worker{plan: p, index: i, left: all, stop: stop, conns: share(p.Conns, p.threads, i), base: time.Now()}
		wg.Go(func() {
			errs[i] = p.Thread(func() error { return workers[i].whole(g) })
			if !workers[i].passed { // its thread could not enter the namespace, or was killed by the kernel
				g.pass(false)
			}
		})
	}
	wg.Wait()
	ended := time.Now()
	if !unwatch() {
		<-told // the descriptor stays open until nobody writes to it any more
	}
	total, err := sum(workers)
	total.Elapsed = ended.Sub(g.opened)
	return total, errors.Join(unique(errs), err)
}

// keepProcessors lets the Go scheduler believe in one processor more than the workers use. Otherwise it would take theirs away
// whenever they wait for events, go to sleep over it, and have to be woken by each event: several system calls for one.
func keepProcessors(threads int) {
	if n := runtime.GOMAXPROCS(0); n <= threads {
		runtime.GOMAXPROCS(threads + 1)
	}
}

// left returns the count of the requests that nobody has begun.
func left(p *plan) *atomic.Int64 {
	var n atomic.Int64
	n.Store(int64(p.Requests))
	return &n
}

// whole is the life of a worker.
func (w *worker) whole(g *gate) error {
	err := w.prepare()
	defer w.close()
	w.passed = true
	if !g.pass(err == nil) || err != nil {
		return err
	}
	w.base = g.opened
	return w.run()
}

// gate lets all workers start at one time, or none when one cannot.
type gate struct {
	at time.Duration // see wire.LoadRequest
	// cancelled ends the wait for it: workers that are let through are told to stop.
	cancelled <-chan struct{}
	mu        sync.Mutex
	absent    int
	failed    bool
	open      chan struct{}
	opened    time.Time
}

func newGate(ctx context.Context, n int, at time.Duration) *gate {
	return &gate{at: at, cancelled: ctx.Done(), absent: n, open: make(chan struct{})}
}

// pass waits for all workers and reports whether they may go.
func (g *gate) pass(ok bool) bool {
	g.mu.Lock()
	g.failed = g.failed || !ok
	if g.absent--; g.absent == 0 {
		if !g.failed && g.at > 0 {
			select {
			case <-time.After(g.at - uptime()):
			case <-g.cancelled:
			}
		}
		g.opened = time.Now()
		close(g.open)
	}
	g.mu.Unlock()
	<-g.open
	return !g.failed
}

// uptime is the time since boot.
func uptime() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // fails for clocks that there are not
	return time.Duration(now.Nano())
}

// share is the part of n that the i-th of parts gets.
func share(n, parts, i int) int {
	if i < n%parts {
		return n/parts + 1
	}
	return n / parts
}

// unique joins the errors that say different things.
func unique(errs []error) error {
	var all []error
	said := map[string]bool{}
	for _, err := range errs {
		if err != nil && !said[err.Error()] {
			said[err.Error()] = true
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// sum adds up what the workers saw.
func sum(workers []*worker) (wire.LoadResult, error) {
	var total wire.LoadResult
	latency, waited := newHistogram(), newHistogram()
	for _, w := range workers {
		add(&total, w.result)
		if w.latency != nil {
			latency.Merge(w.latency)
		}
		if w.waited != nil {
			waited.Merge(w.waited)
		}
	}
	var errs [2]error
	total.Latency, errs[0] = describe(latency)
	total.Waited, errs[1] = describe(waited)
	return total, errors.Join(errs[:]...)
}

// add adds the counts of one thread to the total.
func add(total *wire.LoadResult, r wire.LoadResult) {
	total.Good += r.Good
	total.Refused += r.Refused
	total.NoPort += r.NoPort
	total.Reset += r.Reset
	total.Empty += r.Empty
	total.Short += r.Short
	total.Wrong += r.Wrong
	total.Status += r.Status
	total.Timeout += r.Timeout
	total.Other += r.Other
	total.Idle += r.Idle
	total.Unasked += r.Unasked
	total.Late += r.Late
	total.Conns += r.Conns
	total.Sent += r.Sent
	total.Received += r.Received
	if total.Sample == "" {
		total.Sample = r.Sample
	}
}
