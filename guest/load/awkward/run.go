package awkward

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/load/limit"
	"ktcp/guest/wire"
)

const (
	patience   = 5 * time.Second
	pace       = 10 * time.Millisecond
	maxClients = 20000
	// restAfterTrouble keeps clients that are refused from spinning.
	restAfterTrouble = 2 * time.Millisecond
)

// Spec says what to run: of the request, Netns is the caller's business.
type Spec struct {
	wire.LoadRequest
	// Thread runs f on a thread inside the namespace. nil means any thread.
	Thread func(f func() error) error
	// Answered, if set, is kept at the number of attempts that have come to their end so far.
	Answered *atomic.Int64
}

// Check reports what is wrong with s.
func Check(s Spec) error {
	_, err := netip.ParseAddrPort(s.Addr)
	switch {
	case err != nil:
		return fmt.Errorf("load: %w", err)
	case !slices.Contains(wire.Manners, s.Manner):
		return fmt.Errorf("load: manner %q: want one of %v", s.Manner, wire.Manners)
	case s.Conns < 1 || s.Conns > maxClients:
		return fmt.Errorf("load with %d awkward clients: 1 to %d are possible", s.Conns, maxClients)
	case s.Requests < 0 || s.Duration < 0 || s.Pace < 0 || s.Patience < 0:
		return errors.New("load: a number of requests or a time is negative")
	}
	return limit.Files(s.Conns)
}

// Run runs the clients until ctx ends, the attempts are done or the duration has passed.
func Run(ctx context.Context, s Spec) (wire.LoadResult, error) {
	if err := Check(s); err != nil {
		return wire.LoadResult{}, err
	}
	if s.Patience == 0 {
		s.Patience = patience
	}
	if s.Pace == 0 {
		s.Pace = pace
	}
	if s.Thread == nil {
		s.Thread = func(f func() error) error { return f() }
	}
	if s.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Duration)
		defer cancel()
	}
	r := &run{Spec: s, addr: netip.MustParseAddrPort(s.Addr), sockets: make(chan socket)}
	began := time.Now()
	made := make(chan error, 1)
	end := make(chan struct{})
	go func() { made <- s.Thread(func() error { return r.makeSockets(end) }) }()
	var wg sync.WaitGroup
	for range s.Conns {
		wg.Go(func() { r.client(ctx) })
	}
	wg.Wait()
	close(end)
	err := <-made
	r.result.Elapsed = time.Since(began)
	return r.result, err
}

// run is what the clients of a load share.
type run struct {
	Spec
	addr    netip.AddrPort
	sockets chan socket
	begun   atomic.Int64

	mu     sync.Mutex
	result wire.LoadResult
}

// socket is a new one, or why there is none.
type socket struct {
	fd  int
	err error
}

// makeSockets makes sockets for the clients. They belong to the namespace of the thread that does, whoever uses them later.
func (r *run) makeSockets(end <-chan struct{}) error {
	family := unix.AF_INET6
	if r.addr.Addr().Is4() {
		family = unix.AF_INET
	}
	for {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		select {
		case r.sockets <- socket{fd, err}:
		case <-end:
			if err == nil {
				_ = unix.Close(fd)
			}
			return nil
		}
	}
}

// client makes attempts until there are none left.
func (r *run) client(ctx context.Context) {
	for ctx.Err() == nil {
		if n := r.begun.Add(1); r.Requests > 0 && n > int64(r.Requests) {
			return
		}
		o, err := r.attempt(ctx)
		if ctx.Err() != nil && o == timeout {
			return // it was cut off by the load's own end
		}
		r.count(o, err)
		if o != good {
			select {
			case <-ctx.Done():
			case <-time.After(restAfterTrouble):
			}
		}
	}
}

// attempt makes one.
func (r *run) attempt(ctx context.Context) (outcome, error) {
	s := <-r.sockets
	if s.err != nil {
		return other, fmt.Errorf("socket: %w", s.err)
	}
	c, err := r.connect(s.fd)
	if err != nil {
		return outcomeOf(err), err
	}
	defer c.close()
	unwatch := context.AfterFunc(ctx, c.stop)
	defer unwatch()
	return r.behave(c)
}

// outcome is what an attempt was.
type outcome int

const (
	good outcome = iota
	refused
	reset
	empty
	short
	wrong
	timeout
	noPort
	other
)

func (r *run) count(o outcome, err error) {
	if r.Answered != nil {
		r.Answered.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := &r.result
	*[]*int{&n.Good, &n.Refused, &n.Reset, &n.Empty, &n.Short, &n.Wrong, &n.Timeout, &n.NoPort, &n.Other}[o]++
	if err != nil && n.Sample == "" && (o == wrong || o == other) {
		n.Sample = err.Error()
	}
}
