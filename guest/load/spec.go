package load

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/load/limit"
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
	// maxPipeline bounds the requests under way on one connection.
	maxPipeline = 1024
	// maxAnswer bounds an answer whose length is not known.
	maxAnswer = 16 << 20
	// maxSize bounds a message of echo.
	maxSize = 16 << 20
	// maxUnderWay bounds the bytes of the requests that are under way on one connection: they are one piece of memory.
	maxUnderWay = 64 << 20
)

// Errors of loads that measure.
var (
	// ErrUnreachable is returned when not every client could connect at the start.
	ErrUnreachable = errors.New("cannot connect")
	// ErrGone is returned, with the results so far, when the server has stopped answering for good.
	ErrGone = errors.New("the server is gone")
)

// Spec says what to run.
type Spec struct {
	wire.LoadRequest
	// Thread runs f on a thread that is locked to it, inside the namespace that the load is for. nil means an ordinary
	// one.
	Thread func(f func() error) error
	// Answered, if set, is kept at the number of requests that have been answered or have failed so far.
	Answered *atomic.Int64
}

// plan is a validated Spec.
type plan struct {
	Spec
	addr     netip.AddrPort
	family   int
	threads  int
	pipeline int
	measures bool
	script   *script
}

// Check reports what is wrong with s before it is run.
func Check(s Spec) error {
	_, err := netip.ParseAddrPort(s.Addr)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return s.check()
}

// validate reports what is wrong with s, or returns a plan.
func (s Spec) validate() (*plan, error) {
	if err := Check(s); err != nil {
		return nil, err
	}
	addr := netip.MustParseAddrPort(s.Addr)
	p := &plan{
		Spec: s, addr: addr, family: unix.AF_INET6, pipeline: max(s.Pipeline, 1), measures: s.Protocol != wire.LoadRaw && !s.Persist,
	}
	if addr.Addr().Is4() {
		p.family = unix.AF_INET
	}
	if p.Patience == 0 {
		p.Patience = patience
	}
	if p.Thread == nil {
		p.Thread = func(f func() error) error {
			return thread.Run(func() (reuse bool, err error) { return true, f() })
		}
	}
	p.threads = min(runtime.NumCPU(), s.Conns)
	if s.Threads > 0 {
		p.threads = min(s.Threads, s.Conns)
	}
	switch s.Protocol {
	case wire.LoadRaw:
		p.script = newScript(p.pipeline, s.Send)
	case wire.LoadEcho:
		p.script = newScript(p.pipeline, messages(s.Size)...)
	case wire.LoadHTTP:
		p.script = newScript(p.pipeline, httpRequests(s)...)
	}
	return p, nil
}

// check reports the first value that makes no sense.
func (s Spec) check() error {
	var what string
	switch {
	case s.Conns < 1 || s.Conns > maxConns:
		what = fmt.Sprintf("%d clients: 1 to %d are possible", s.Conns, maxConns)
	case s.Requests < 0:
		what = fmt.Sprintf("%d requests", s.Requests)
	case s.Rounds < 0 || s.Rounds > math.MaxInt/maxConns:
		what = fmt.Sprintf("%d rounds", s.Rounds)
	case s.Rounds > 0 && s.Requests > 0:
		what = "a number of rounds and one of requests: choose one"
	case s.Threads < 0:
		what = fmt.Sprintf("%d threads", s.Threads)
	case s.Duration < 0:
		what = fmt.Sprintf("a duration of %v", s.Duration)
	case s.Patience < 0:
		what = fmt.Sprintf("a timeout of %v", s.Patience)
	case s.Rate < 0 || s.Rate > 1e9:
		what = fmt.Sprintf("a rate of %g a second", s.Rate)
	case s.Pipeline < 0 || s.Pipeline > maxPipeline:
		what = fmt.Sprintf("%d requests under way: 1 to %d are possible", s.Pipeline, maxPipeline)
	case s.Pipeline > 1 && !s.KeepAlive:
		what = "pipelining and a connection for each request: choose one"
	case s.Pipeline > 1 && s.Rate > 0:
		what = "pipelining and a fixed rate: choose one"
	case s.Protocol == wire.LoadEcho && (s.Size < 1 || s.Size > maxSize):
		what = fmt.Sprintf("messages of %d bytes: 1 to %d are possible", s.Size, maxSize)
	case s.Protocol != wire.LoadRaw && s.Protocol != wire.LoadEcho && s.Protocol != wire.LoadHTTP:
		what = fmt.Sprintf("protocol %q: want echo or http", s.Protocol)
	}
	if n := max(s.Pipeline, 1); what == "" && s.largest() > maxUnderWay/n {
		what = fmt.Sprintf("%d requests of %d bytes under way on a connection: they may be %d bytes together", n, s.largest(), maxUnderWay)
	}
	for _, path := range s.Paths {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \t\r\n") {
			what = fmt.Sprintf("path %q: it must begin with / and hold no blank", path)
		}
	}
	if what == "" {
		return limit.Files(s.Conns)
	}
	return &limit.RefusalError{Text: "load with " + what, Errno: unix.EINVAL}
}

// largest is how many bytes the largest request has.
func (s Spec) largest() (n int) {
	switch s.Protocol {
	case wire.LoadRaw:
		n = len(s.Send)
	case wire.LoadEcho:
		n = s.Size
	case wire.LoadHTTP:
		for _, r := range httpRequests(s) {
			n = max(n, len(r))
		}
	}
	return n
}

// sockaddr returns the address to connect to: a new one each time, since a system call writes to it.
func (p *plan) sockaddr() unix.Sockaddr {
	if p.family == unix.AF_INET {
		return &unix.SockaddrInet4{Addr: p.addr.Addr().As4(), Port: int(p.addr.Port())}
	}
	return &unix.SockaddrInet6{Addr: p.addr.Addr().As16(), Port: int(p.addr.Port())}
}

// newAnswers returns what judges the answers of one thread's clients.
func (p *plan) newAnswers() answers {
	switch {
	case p.Protocol == wire.LoadHTTP:
		return newHTTPAnswers(p)
	case p.Protocol == wire.LoadEcho:
		return exact{p.script}
	case len(p.Expect) > 0:
		return exact{newScript(1, p.Expect)}
	case p.KeepAlive:
		return anyPart{}
	default:
		return anyWhole{}
	}
}
