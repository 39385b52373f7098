package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

// serve runs a server until the test ends. handle is given one connection at a time and how many there were
// before; it need not close it.
func serve(t testing.TB, handle func(c *net.TCPConn, n int64)) (addr string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := int64(0); ; n++ {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c, n)
			}()
		}
	}()
	return l.Addr().String()
}

const (
	request = "GET /\r\n\r\n"
	answer  = "200 fine\r\n"
)

// receive reads one whole request.
func receive(c net.Conn) bool {
	_, err := io.ReadFull(c, make([]byte, len(request)))
	return err == nil
}

// reply answers one request and leaves the connection to be closed.
func reply(c *net.TCPConn, _ int64) {
	if receive(c) {
		_, _ = io.WriteString(c, answer)
	}
}

// replyAll answers until the client closes.
func replyAll(c *net.TCPConn, _ int64) {
	for receive(c) {
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

func reset(c *net.TCPConn) { _ = c.SetLinger(0) }

// outcomes leaves of a result what became of the requests.
func outcomes(r wire.LoadResult) wire.LoadResult {
	r.Elapsed, r.Conns, r.Sent, r.Received = 0, 0, 0, 0
	return r
}

// TestOutcomes checks that what a client sees is counted as that.
func TestOutcomes(t *testing.T) {
	closed := func(t testing.TB) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	block := make(chan struct{})
	t.Cleanup(func() { close(block) })
	for _, tt := range []struct {
		name   string
		server func(c *net.TCPConn, n int64) // nil: nobody listens
		req    wire.LoadRequest
		want   wire.LoadResult
	}{
		{"exact answer", reply, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Good: 20}},
		{"any answer", reply, wire.LoadRequest{}, wire.LoadResult{Good: 20}},
		{"persistent", replyAll, wire.LoadRequest{Expect: []byte(answer), KeepAlive: true}, wire.LoadResult{Good: 20}},
		{"persistent, any answer", replyAll, wire.LoadRequest{KeepAlive: true}, wire.LoadResult{Good: 20}},
		{
			"in two parts", func(c *net.TCPConn, _ int64) {
				if receive(c) {
					_, _ = io.WriteString(c, answer[:4])
					_, _ = io.WriteString(c, answer[4:])
				}
			}, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Good: 20},
		},
		{"refused", nil, wire.LoadRequest{}, wire.LoadResult{Refused: 20}},
		{"reset at once", func(c *net.TCPConn, _ int64) { reset(c) }, wire.LoadRequest{}, wire.LoadResult{Reset: 20}},
		{
			"reset within an answer", func(c *net.TCPConn, _ int64) {
				if receive(c) {
					_, _ = io.WriteString(c, answer[:4])
					reset(c)
				}
			}, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Reset: 20},
		},
		{"empty", func(c *net.TCPConn, _ int64) { receive(c) }, wire.LoadRequest{}, wire.LoadResult{Empty: 20}},
		{
			"short", func(c *net.TCPConn, _ int64) {
				if receive(c) {
					_, _ = io.WriteString(c, answer[:4])
				}
			}, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Short: 20, Sample: "the answer ends after 4 bytes"},
		},
		{
			"wrong", func(c *net.TCPConn, _ int64) {
				if receive(c) {
					_, _ = io.WriteString(c, "404 gone\r\n")
				}
			}, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Wrong: 20, Sample: `wrong answer at byte 0: other bytes than expected: "404 gone\r\n"`},
		},
		{
			"too long", func(c *net.TCPConn, _ int64) {
				if receive(c) {
					_, _ = io.WriteString(c, answer+"!")
				}
			}, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Wrong: 20, Sample: `wrong answer at byte 0: bytes behind the end of the answer: "!"`},
		},
		{"silent", func(*net.TCPConn, int64) { <-block }, wire.LoadRequest{}, wire.LoadResult{Timeout: 20}},
		{"answer before the request is read", func(c *net.TCPConn, _ int64) {
			_, _ = io.WriteString(c, answer)
			receive(c)
		}, wire.LoadRequest{Expect: []byte(answer)}, wire.LoadResult{Good: 20}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.server == nil {
				tt.req.Addr = closed(t)
			} else {
				tt.req.Addr = serve(t, tt.server)
			}
			tt.req.Conns, tt.req.Requests, tt.req.Send = 5, 20, []byte(request)
			s := Spec{LoadRequest: tt.req}
			if tt.want.Timeout > 0 {
				s.Patience = 50 * time.Millisecond
			}
			got, err := Run(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got.Elapsed <= 0 {
				t.Error("it took no time")
			}
			got = outcomes(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLargeRequestAndAnswer moves more than the kernel's buffers hold in both directions.
func TestLargeRequestAndAnswer(t *testing.T) {
	send, expect := bytes.Repeat([]byte("request "), 1<<20), bytes.Repeat([]byte("answer "), 1<<20)
	addr := serve(t, func(c *net.TCPConn, _ int64) {
		if _, err := io.CopyN(io.Discard, c, int64(len(send))); err == nil {
			_, _ = c.Write(expect)
		}
	})
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Conns: 3, Requests: 6, Send: send, Expect: expect,
	}})
	if err != nil || got.Good != 6 {
		t.Errorf("%+v, %v, want 6 good", got, err)
	}
}

// TestStop stops a load in the middle: what clients had begun is finished and counted, and nothing new is begun.
func TestStop(t *testing.T) {
	var served atomic.Int64
	enough := make(chan struct{})
	addr := serve(t, func(c *net.TCPConn, _ int64) {
		if receive(c) {
			if served.Add(1) == 50 {
				close(enough)
			}
			_, _ = io.WriteString(c, answer)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-enough
		cancel()
	}()
	got, err := Run(ctx, Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Conns: 8, Send: []byte(request), Expect: []byte(answer),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if int64(got.Good) != served.Load() {
		t.Errorf("%d good of %d that were served", got.Good, served.Load())
	}
	got = outcomes(got)
	got.Good = 0
	if diff := cmp.Diff(wire.LoadResult{}, got); diff != "" {
		t.Errorf("a load that was stopped saw something else (-want +got):\n%s", diff)
	}
}

// TestRefusedDoesNotSpin counts the attempts of clients that nobody listens to.
func TestRefusedDoesNotSpin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	const time100 = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), time100)
	defer cancel()
	got, err := Run(ctx, Spec{LoadRequest: wire.LoadRequest{Addr: addr, Conns: 4, Send: []byte(request)}})
	if err != nil {
		t.Fatal(err)
	}
	if limit := 4 * int(got.Elapsed/retryAfter+2); got.Refused == 0 || got.Refused > limit {
		t.Errorf("refused %d times in %v, want at most %d", got.Refused, got.Elapsed, limit)
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	for _, req := range []wire.LoadRequest{
		{Addr: "nowhere", Conns: 1}, {Addr: "127.0.0.1:1"}, {Addr: "127.0.0.1:1", Conns: maxConns + 1}, {Addr: "127.0.0.1:1", Conns: 1, Requests: -1},
	} {
		if _, err := Run(context.Background(), Spec{LoadRequest: req}); err == nil {
			t.Errorf("%+v: no error", req)
		}
	}
}

type oneSpace struct{}

func (oneSpace) Do(_ string, f func() error) error { return f() }

func (oneSpace) Space(name string) (any, error) {
	if name == "absent" {
		return nil, errors.New("absent")
	}
	return name, nil
}

func TestTable(t *testing.T) {
	addr := serve(t, reply)
	table := NewTable(oneSpace{})
	start := func(netns string, requests int) uint64 {
		t.Helper()
		a, err := table.Start(wire.LoadRequest{Netns: netns, Addr: addr, Conns: 2, Requests: requests, Send: []byte(request)})
		if err != nil {
			t.Fatal(err)
		}
		return a.Load
	}
	counted := start("", 10)
	got, err := table.Stop(wire.LoadStopRequest{Load: counted, Wait: true})
	if err != nil || got.Good != 10 {
		t.Errorf("waited for: %+v, %v, want 10 good", got, err)
	}
	if _, err := table.Stop(wire.LoadStopRequest{Load: counted}); !errors.Is(err, ErrUnknown) {
		t.Errorf("stopped twice: %v, want %v", err, ErrUnknown)
	}
	red := start("red", 0)
	start("blue", 0)
	if err := table.StopIn("red"); err != nil {
		t.Fatal(err)
	}
	if got, err := table.Stop(wire.LoadStopRequest{Load: red}); err != nil || got.Other+got.Wrong != 0 {
		t.Errorf("stopped with its namespace: %+v, %v, want a result", got, err)
	}
	if n := table.StopAll(); n != 1 {
		t.Errorf("stopped %d, want the 1 in blue", n)
	}
	if _, err := table.Start(wire.LoadRequest{Netns: "absent", Addr: addr, Conns: 1}); err == nil {
		t.Error("no error for a namespace that is not there")
	}
	if _, err := table.Start(wire.LoadRequest{Addr: addr}); err == nil {
		t.Error("no error for a load without clients")
	}
}

// BenchmarkRun measures the load generator against a server that does little.
func BenchmarkRun(b *testing.B) {
	addr := serve(b, replyAll)
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Conns: 32, Requests: b.N, Send: []byte(request), Expect: []byte(answer), KeepAlive: true,
	}})
	if err != nil || got.Good != b.N {
		b.Fatalf("%+v, %v", got, err)
	}
}

// A server may close a connection right behind an answer: the client has both in one event, and must go on.
func TestServerClosesBehindEveryAnswer(t *testing.T) {
	const requests = 300
	addr := serve(t, reply)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := Run(ctx, Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Conns: 8, Requests: requests, Send: []byte(request), Expect: []byte(answer), KeepAlive: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("the load did not end: a client was forgotten: %+v", got)
	}
	if got.Good == 0 || got.Good+got.Empty+got.Reset+got.Other < requests {
		t.Errorf("%+v, want %d requests", got, requests)
	}
}
