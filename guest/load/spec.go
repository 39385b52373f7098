package load

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/thread"
	"ktcp/guest/wire"
)

const (
	// patience is how long a client waits for progress before it counts a timeout, in guest time.
	patience = 5 * time.Second
	// retryAfter keeps clients that are refused from spinning.
	retryAfter = 2 * time.Millisecond
	// maxConns bounds the clients of one load: as many as there are ports to one address.
	maxConns = 60000
	// maxAnswer bounds an answer whose length is not known.
	maxAnswer = 16 << 20
)

// Spec says what to run.
type Spec struct {
	wire.LoadRequest
	// Thread runs f on a thread that is locked to it, inside the namespace that the load is for. nil means an ordinary
	// one.
	Thread func(f func() error) error
	// Patience replaces the 5 s without progress after which a client gives up. 0 leaves them.
	Patience time.Duration
}

// plan is a validated Spec.
type plan struct {
	Spec
	addr    netip.AddrPort
	family  int
	threads int
}

// validate reports what is wrong with s.
func (s Spec) validate() (*plan, error) {
	addr, err := netip.ParseAddrPort(s.Addr)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	switch {
	case s.Conns < 1 || s.Conns > maxConns:
		return nil, fmt.Errorf("load with %d clients: 1 to %d are possible: %w", s.Conns, maxConns, unix.EINVAL)
	case s.Requests < 0:
		return nil, fmt.Errorf("load with %d requests: %w", s.Requests, unix.EINVAL)
	}
	p := &plan{Spec: s, addr: addr, family: unix.AF_INET6}
	if addr.Addr().Is4() {
		p.family = unix.AF_INET
	}
	if p.Patience <= 0 {
		p.Patience = patience
	}
	if p.Thread == nil {
		p.Thread = func(f func() error) error {
			return thread.Run(func() (reuse bool, err error) { return true, f() })
		}
	}
	p.threads = min(runtime.NumCPU(), s.Conns)
	return p, nil
}

// sockaddr returns the address to connect to: a new one each time, since a system call writes to it.
func (p *plan) sockaddr() unix.Sockaddr {
	if p.family == unix.AF_INET {
		return &unix.SockaddrInet4{Addr: p.addr.Addr().As4(), Port: int(p.addr.Port())}
	}
	return &unix.SockaddrInet6{Addr: p.addr.Addr().As16(), Port: int(p.addr.Port())}
}
