package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Run runs the clients until ctx ends or the requests are done, and returns what they saw. An error means that the load
// could not be run at all.
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
	start := time.Now()
	var left atomic.Int64
	left.Store(int64(p.Requests))
	workers := make([]*worker, p.threads)
	errs := make([]error, p.threads)
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = &worker{plan: p, left: &left, stop: stop, conns: share(p.Conns, p.threads, i)}
		wg.Go(func() { errs[i] = p.Thread(workers[i].run) })
	}
	wg.Wait()
	if !unwatch() {
		<-told // the descriptor stays open until nobody writes to it any more
	}
	var total wire.LoadResult
	for _, w := range workers {
		add(&total, w.result)
	}
	total.Elapsed = time.Since(start)
	return total, errors.Join(errs...)
}

// share is the part of n that the i-th of parts gets.
func share(n, parts, i int) int {
	if i < n%parts {
		return n/parts + 1
	}
	return n / parts
}

// add adds the counts of one thread to the total.
func add(total *wire.LoadResult, r wire.LoadResult) {
	total.Good += r.Good
	total.Refused += r.Refused
	total.Reset += r.Reset
	total.Empty += r.Empty
	total.Short += r.Short
	total.Wrong += r.Wrong
	total.Timeout += r.Timeout
	total.Other += r.Other
	if total.Sample == "" {
		total.Sample = r.Sample
	}
}
