package load

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// TestGone has a server that dies in the middle.
func TestGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				constantUntil(c, func() bool { return served.Add(1) < 100 })
				l.Close()
			}()
		}
	}()
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: l.Addr().String(), Protocol: wire.LoadHTTP, Conns: 4, KeepAlive: true,
	}})
	if !errors.Is(err, ErrGone) || !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v, want %v because of %v", err, ErrGone, unix.ECONNREFUSED)
	}
	if got.Good < 90 || got.Good > 100 {
		t.Errorf("%+v, want the good answers before", got)
	}
}

// constantUntil answers while alive says so.
func constantUntil(c net.Conn, alive func() bool) {
	in := bufio.NewReader(c)
	for {
		if _, err := http.ReadRequest(in); err != nil || !alive() {
			return
		}
		_, _ = io.WriteString(c, hello)
	}
}

// TestNoPort counts what the kernel answers when no port is left.
func TestNoPort(t *testing.T) {
	w := newWorker(t, wire.LoadRequest{Addr: serve(t, echo), Protocol: wire.LoadEcho, Size: 1, Conns: 1})
	w.clients[0].open = 1
	w.fail(0, unix.EADDRNOTAVAIL)
	var b strings.Builder
	if err := WriteSummary(&b, w.result); err != nil {
		t.Fatal(err)
	}
	if r := w.result; r.NoPort != 1 || r.Other != 0 || r.Requests() != 1 || !strings.Contains(b.String(), "1 with no port left") {
		t.Errorf("%+v, want 1 without a port:\n%s", r, b.String())
	}
}

// TestReach tells a server that is there from one that is not.
func TestReach(t *testing.T) {
	if err := Reach(context.Background(), serve(t, echo), 0); err != nil {
		t.Error(err)
	}
	if err := Reach(context.Background(), "127.0.0.1:1", 0); !errors.Is(err, ErrUnreachable) || !errors.Is(err, unix.ECONNREFUSED) ||
		err.Error() != "cannot connect to 127.0.0.1:1: connection refused" {
		t.Errorf("error %v, want one line that says %v", err, ErrUnreachable)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Reach(ctx, "127.0.0.1:1", 0); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	for _, keep := range []bool{true, false} {
		_, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
			Addr: "127.0.0.1:1", Protocol: wire.LoadHTTP, Conns: 4, KeepAlive: keep,
		}})
		if !errors.Is(err, ErrUnreachable) || !errors.Is(err, unix.ECONNREFUSED) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line that says %v", err, ErrUnreachable)
		}
	}
}

func TestMeasureRefusesNonsense(t *testing.T) {
	ok := wire.LoadRequest{Addr: "127.0.0.1:1", Protocol: wire.LoadHTTP, Conns: 1}
	for name, change := range map[string]func(*wire.LoadRequest){
		"pipelining without keep-alive": func(r *wire.LoadRequest) { r.Pipeline = 2 },
		"path":                          func(r *wire.LoadRequest) { r.Paths = []string{"x"} },
		"size":                          func(r *wire.LoadRequest) { r.Protocol = wire.LoadEcho },
		"protocol":                      func(r *wire.LoadRequest) { r.Protocol = "gopher" },
		"rate":                          func(r *wire.LoadRequest) { r.Rate = -1 },
		"threads":                       func(r *wire.LoadRequest) { r.Threads = -1 },
		"patience":                      func(r *wire.LoadRequest) { r.Patience = -1 },
	} {
		r := ok
		change(&r)
		if _, err := Run(context.Background(), Spec{LoadRequest: r}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: %v, want %v", name, err, unix.EINVAL)
		}
	}
}

// TestUnderWay checks that nobody can ask for more memory than there is.
func TestUnderWay(t *testing.T) {
	for _, tt := range []struct {
		req  wire.LoadRequest
		want bool
	}{
		{wire.LoadRequest{Protocol: wire.LoadEcho, Size: 16 << 20, Pipeline: 1024}, false},
		{wire.LoadRequest{Protocol: wire.LoadEcho, Size: 16 << 20, Pipeline: 5}, false},
		{wire.LoadRequest{Protocol: wire.LoadEcho, Size: 16 << 20, Pipeline: 4}, true},
		{wire.LoadRequest{Protocol: wire.LoadEcho, Size: 64 << 10, Pipeline: 1024}, true},
		{wire.LoadRequest{Protocol: wire.LoadHTTP, Paths: []string{"/", "/" + strings.Repeat("x", 1<<17)}, Pipeline: 1024}, false},
		{wire.LoadRequest{Send: make([]byte, maxUnderWay+1)}, false},
		{wire.LoadRequest{Send: make([]byte, maxUnderWay)}, true},
	} {
		tt.req.Addr, tt.req.Conns, tt.req.KeepAlive = "127.0.0.1:1", 1, true
		err := Check(Spec{LoadRequest: tt.req})
		if tt.want && err != nil || !tt.want && (!errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "under way")) {
			t.Errorf("%d of %d bytes: %v, want possible: %v", tt.req.Pipeline, Spec{LoadRequest: tt.req}.largest(), err, tt.want)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := Check(Spec{LoadRequest: wire.LoadRequest{
		Addr: "127.0.0.1:1", Protocol: wire.LoadEcho, Size: 16 << 20, Pipeline: 4, Conns: 1, KeepAlive: true,
	}})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != nil || n > 1<<20 {
		t.Errorf("a check takes %d bytes of memory, %v: it has no use for the messages", n, err)
	}
}

func TestFileLimit(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 500, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &old) }()
	_, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: "127.0.0.1:1", Protocol: wire.LoadHTTP, Conns: 1000,
	}})
	if !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("error %v, want one that names the limit", err)
	}
}

// Clients that persist go on for as long as they were told to, whether anybody is there or not.
func TestPersist(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	got, err := Run(t.Context(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: 2, Duration: 1500 * time.Millisecond, Persist: true, // longer than goneAfter
	}})
	if err != nil || got.Good != 0 || got.Refused == 0 {
		t.Errorf("%+v, %v, want refusals until the time is over", got, err)
	}
}
