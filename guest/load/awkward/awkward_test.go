package awkward

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// server tells when it has a client.
type server struct {
	first sync.Once
	seen  chan struct{} // the first connection is there
}

// serve runs a server until the test ends.
func serve(t *testing.T, handle func(c *net.TCPConn)) (*server, string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{seen: make(chan struct{})}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			s.first.Do(func() { close(s.seen) })
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return s, l.Addr().String()
}

const line = "a line of a request\n"

var long = strings.Repeat("answer ", 20)

// polite reads a line, answers and closes.
func polite(c *net.TCPConn) {
	if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
		_, _ = io.WriteString(c, long)
	}
}

// inPieces is polite, and slow.
func inPieces(c *net.TCPConn) {
	if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
		for i := range long {
			_, _ = io.WriteString(c, long[i:i+1])
		}
		hold(c)
	}
}

// hold reads until the client goes.
func hold(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

func TestManners(t *testing.T) {
	for _, tt := range []struct {
		manner wire.Manner
		server func(*net.TCPConn)
		expect string
		want   wire.LoadResult
	}{
		{wire.SlowSender, polite, "", wire.LoadResult{Good: 8}},
		{wire.SlowSender, polite, long, wire.LoadResult{Good: 8}},
		{wire.SlowSender, polite, "something else", wire.LoadResult{Wrong: 8}},
		{wire.SlowReader, polite, "", wire.LoadResult{Good: 8}},
		{wire.SlowReader, polite, long + "more", wire.LoadResult{Short: 8}},
		{wire.HalfCloser, func(c *net.TCPConn) { _, _ = io.Copy(c, c) }, "", wire.LoadResult{Good: 8}},
		{wire.HalfCloser, func(c *net.TCPConn) { _ = c.SetLinger(0) }, "", wire.LoadResult{Reset: 8}},
		{wire.Waiter, hold, "", wire.LoadResult{Good: 8}},
		{wire.Waiter, func(*net.TCPConn) {}, "", wire.LoadResult{Empty: 8}},
		{wire.Waiter, func(c *net.TCPConn) { _, _ = io.WriteString(c, "hello") }, "", wire.LoadResult{Wrong: 8}},
		{wire.Resetter, hold, "", wire.LoadResult{Good: 8}},
		{wire.Interrupter, polite, "", wire.LoadResult{Good: 8}},
		{wire.Interrupter, hold, "", wire.LoadResult{Timeout: 8}},
		{wire.LateSender, polite, "", wire.LoadResult{Good: 8}},
		{wire.Stormer, hold, "", wire.LoadResult{Good: 8}},
		{wire.PortHog, polite, "", wire.LoadResult{Good: 8}},
		{wire.PortHog, inPieces, long, wire.LoadResult{Good: 8}},
		{wire.PortHog, inPieces, long[:len(long)-1] + "!", wire.LoadResult{Wrong: 8}},
		{wire.PortHog, polite, long + "more", wire.LoadResult{Short: 8}},
		{wire.PortHog, hold, "", wire.LoadResult{Empty: 8}},
	} {
		t.Run(fmt.Sprint(tt.manner, tt.want), func(t *testing.T) {
			t.Parallel()
			_, addr := serve(t, tt.server)
			req := wire.LoadRequest{
				Addr: addr, Manner: tt.manner, Conns: 4, Requests: 8, Send: []byte(line), Expect: []byte(tt.expect),
				Pace: time.Millisecond, Patience: 3 * time.Second,
			}
			if tt.manner == wire.Waiter || tt.want.Timeout > 0 {
				req.Patience = 100 * time.Millisecond
			}
			got, err := Run(context.Background(), Spec{LoadRequest: req})
			if err != nil {
				t.Fatal(err)
			}
			// A RST can be there before the client has seen that it was connected.
			if tt.want.Reset == 0 && got.Conns != 8 {
				t.Errorf("%d connections, want 8", got.Conns)
			}
			sample := got.Sample
			got.Elapsed, got.Conns, got.Sample = 0, 0, ""
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got  %+v (%s)\nwant %+v", got, sample, tt.want)
			}
		})
	}
}

// TestPortHog checks whose port is not free when a port hog is gone: with a server that waits for its client to close, and with one that
// closes as soon as it has answered.
func TestPortHog(t *testing.T) {
	for expect, server := range map[string]func(*net.TCPConn){long: inPieces, "": polite} {
		_, addr := serve(t, server)
		got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
			Addr: addr, Manner: wire.PortHog, Conns: 2, Requests: 8, Send: []byte(line), Expect: []byte(expect),
		}})
		if err != nil || got.Good != 8 {
			t.Errorf("expecting %q: %+v, %v", expect, got, err)
		}
		n := 0
		for began := time.Now(); n != 8 && time.Since(began) < 20*time.Second; runtime.Gosched() {
			n = hogged(t, addr)
		}
		if n != 8 {
			t.Errorf("expecting %q: %d ports of clients are in TIME_WAIT, want 8", expect, n)
		}
	}
}

// hogged is how many ports of clients of a server on 127.0.0.1 are in TIME_WAIT.
func hogged(t *testing.T, addr string) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	server := fmt.Sprintf("%04X", netip.MustParseAddrPort(addr).Port())
	for text := range strings.Lines(string(text)) {
		if f := strings.Fields(text); len(f) > 3 && strings.HasSuffix(f[2], ":"+server) && f[3] == "06" {
			n++
		}
	}
	return n
}

// TestVanisher checks that the server hears nothing, or that the lack of the privilege is said.
func TestVanisher(t *testing.T) {
	heard := make(chan error, 1)
	_, addr := serve(t, func(c *net.TCPConn) {
		_, err := io.ReadFull(c, make([]byte, len(line)/2))
		if err == nil {
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			_, err = c.Read(make([]byte, 1))
		}
		heard <- err
	})
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Manner: wire.Vanisher, Conns: 1, Requests: 1, Send: []byte(line),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Other == 1 {
		if !strings.Contains(got.Sample, "CAP_NET_ADMIN") {
			t.Errorf("vanish failed: %s", got.Sample)
		}
		return
	}
	if err := <-heard; got.Good != 1 || err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("%+v; the server heard %v, want nothing", got, err)
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Manner: wire.SlowSender, Conns: 2, Requests: 6, Send: []byte(line),
	}})
	if err != nil || got.Refused != 6 {
		t.Errorf("%+v, %v, want 6 refused", got, err)
	}
}

// TestStop stops clients that would wait for long, all of whom are released at once.
func TestStop(t *testing.T) {
	for _, manner := range []wire.Manner{wire.Waiter, wire.SlowSender} {
		s, addr := serve(t, hold)
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-s.seen
			cancel()
		}()
		began := time.Now()
		got, err := Run(ctx, Spec{LoadRequest: wire.LoadRequest{
			Addr: addr, Manner: manner, Conns: 3, Send: []byte(line), Pace: time.Minute, Patience: time.Hour,
		}})
		if err != nil || got.Requests() != got.Good {
			t.Errorf("%s: %+v, %v", manner, got, err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: stopped after %v", manner, took)
		}
	}
}

// TestNoPort counts what the kernel answers when no port is left.
func TestNoPort(t *testing.T) {
	var answered atomic.Int64
	r := &run{Spec: Spec{Answered: &answered}}
	err := fmt.Errorf("connect: %w", unix.EADDRNOTAVAIL)
	r.count(outcomeOf(err), err)
	if got := r.result; got.NoPort != 1 || got.Other != 0 || got.Requests() != 1 || got.SocketErrors() != 1 || answered.Load() != 1 {
		t.Errorf("%+v, want 1 without a port", got)
	}
}

// TestFileLimit checks that clients that can have no sockets are refused before they try.
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
		Addr: "127.0.0.1:1", Manner: wire.Stormer, Conns: 1000, Requests: 1,
	}})
	if !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("error %v, want one that names the limit", err)
	}
}

func TestCheck(t *testing.T) {
	for _, req := range []wire.LoadRequest{
		{Addr: "x", Manner: wire.Waiter, Conns: 1}, {Addr: "127.0.0.1:1", Manner: "rude", Conns: 1},
		{Addr: "127.0.0.1:1", Manner: wire.Waiter}, {Addr: "127.0.0.1:1", Manner: wire.Waiter, Conns: 1, Requests: -1},
	} {
		if _, err := Run(context.Background(), Spec{LoadRequest: req}); err == nil {
			t.Errorf("%+v: no error", req)
		}
	}
}
