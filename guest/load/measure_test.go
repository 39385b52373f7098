package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"ktcp/guest/wire"
)

// echo sends back what comes.
func echo(c *net.TCPConn, _ int64) { _, _ = io.Copy(c, c) }

// answering reads HTTP requests and answers each with what text returns, until that is empty.
func answering(text func(path string) string) func(*net.TCPConn, int64) {
	return func(c *net.TCPConn, _ int64) {
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			answer := text(r.URL.Path)
			if _, err := io.WriteString(c, answer); err != nil || answer == "" || r.Close {
				return
			}
		}
	}
}

// constant answers everything alike.
func constant(answer string) func(*net.TCPConn, int64) {
	return answering(func(string) string { return answer })
}

const (
	hello      = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello World!"
	chunked    = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nHello\r\n7;x=y\r\n World!\r\n0\r\nTrailer: 1\r\n\r\n"
	helloClose = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\nHello World!"
)

// inPieces writes an answer a few bytes at a time.
func inPieces(answer string, size int) func(*net.TCPConn, int64) {
	return func(c *net.TCPConn, _ int64) {
		in := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			for rest := answer; rest != ""; rest = rest[min(size, len(rest)):] {
				_, _ = io.WriteString(c, rest[:min(size, len(rest))])
			}
		}
	}
}

// TestMeasures checks loads that measure against servers that behave and that do not.
func TestMeasures(t *testing.T) {
	dated := func() func(string) string {
		var n atomic.Int64
		return func(string) string {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: %d\r\nContent-Length: 12\r\n\r\nHello World!", n.Add(1))
		}
	}()
	numbered := func() func(string) string {
		var n atomic.Int64
		return func(string) string {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello %6d", n.Add(1))
		}
	}()
	httpReq := wire.LoadRequest{Protocol: wire.LoadHTTP, KeepAlive: true}
	each := wire.LoadRequest{Protocol: wire.LoadHTTP}
	piped := wire.LoadRequest{Protocol: wire.LoadHTTP, KeepAlive: true, Pipeline: 8}
	body := wire.LoadRequest{Protocol: wire.LoadHTTP, KeepAlive: true, Expect: []byte("Hello World!")}
	for _, tt := range []struct {
		name   string
		server func(c *net.TCPConn, n int64)
		req    wire.LoadRequest
		want   wire.LoadResult
		sample string // a part of
	}{
		{"echo", echo, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 100, KeepAlive: true}, wire.LoadResult{Good: 60}, ""},
		{"echo a byte", echo, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 1, KeepAlive: true}, wire.LoadResult{Good: 60}, ""},
		{"echo much", echo, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 1 << 20, KeepAlive: true}, wire.LoadResult{Good: 60}, ""},
		{"echo, each", echo, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 100}, wire.LoadResult{Good: 60}, ""},
		{
			"echo, pipelined", echo, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 1000, KeepAlive: true, Pipeline: 7},
			wire.LoadResult{Good: 60}, "",
		},
		{
			"echo of what was sent before", func(c *net.TCPConn, _ int64) {
				first := make([]byte, 10)
				for n := 0; ; n++ {
					now := make([]byte, 10)
					if _, err := io.ReadFull(c, now); err != nil {
						return
					}
					if n == 0 {
						copy(first, now)
					}
					_, _ = c.Write(first)
				}
			}, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 10, KeepAlive: true, Conns: 1, Requests: 2},
			wire.LoadResult{Good: 1, Wrong: 1}, "other bytes than expected",
		},
		{
			"echo and more", func(c *net.TCPConn, _ int64) {
				b := make([]byte, 10)
				if _, err := io.ReadFull(c, b); err == nil {
					_, _ = c.Write(append(b, '!'))
				}
			}, wire.LoadRequest{Protocol: wire.LoadEcho, Size: 10, KeepAlive: true}, wire.LoadResult{Wrong: 60}, "behind the end",
		},
		{"http", constant(hello), httpReq, wire.LoadResult{Good: 60}, ""},
		{"http, each", constant(helloClose), each, wire.LoadResult{Good: 60}, ""},
		{"http, each, no length", constant("HTTP/1.0 200 OK\r\n\r\nHello"), each, wire.LoadResult{Good: 60}, ""},
		{"http, pipelined", constant(hello), piped, wire.LoadResult{Good: 60}, ""},
		{"http, body", constant(hello), body, wire.LoadResult{Good: 60}, ""},
		{"http, chunks", constant(chunked), body, wire.LoadResult{Good: 60}, ""},
		{"http, chunks in pieces", inPieces(chunked, 3), body, wire.LoadResult{Good: 60}, ""},
		{"http, bytes", inPieces(hello, 1), body, wire.LoadResult{Good: 60}, ""},
		{"http, no body", constant("HTTP/1.1 204 No Content\r\n\r\n"), httpReq, wire.LoadResult{Good: 60}, ""},
		{"http, interim", constant("HTTP/1.1 100 Continue\r\n\r\n" + hello), httpReq, wire.LoadResult{Good: 60}, ""},
		{"http, every body differs", answering(numbered), httpReq, wire.LoadResult{Good: 60}, ""}, // none is expected
		{"http, every body differs from one", answering(numbered), body, wire.LoadResult{Wrong: 60}, "another body than expected"},
		{"http, every answer differs", answering(dated), body, wire.LoadResult{Good: 60}, ""},
		{"http, the last says so", func(c *net.TCPConn, n int64) {
			left := 3
			answering(func(string) string {
				if left--; left == 0 {
					return helloClose
				} else if left < 0 {
					return ""
				}
				return hello
			})(c, n)
		}, piped, wire.LoadResult{Good: 60}, ""},
		{"http, not found", constant("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), httpReq, wire.LoadResult{Status: 60}, "status 404"},
		{"http, another body", constant(strings.ToLower(hello[:len(hello)-1]) + "?"), body, wire.LoadResult{Wrong: 60}, "no status line"},
		{"http, another byte", constant(hello[:len(hello)-1] + "?"), body, wire.LoadResult{Wrong: 60}, "another body than expected"},
		{"http, too much", constant(hello + "\r\n"), httpReq, wire.LoadResult{Wrong: 60}, "behind the end"},
		{"http, cut", func(c *net.TCPConn, _ int64) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, hello[:len(hello)-1])
			}
		}, httpReq, wire.LoadResult{Short: 60}, "ends after"},
		{"http, two lengths", constant("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1"), httpReq, wire.LoadResult{Wrong: 60}, "more than one"},
		{"http, bare LF", constant("HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n"), httpReq, wire.LoadResult{Wrong: 60}, "bare CR or LF"},
		{"http, chunk too long", constant("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n12\r\n0\r\n\r\n"), httpReq, wire.LoadResult{Wrong: 60}, "longer than"},
		{"http, no end", constant("HTTP/1.1 200 OK\r\n\r\n"), httpReq, wire.LoadResult{Wrong: 60}, "neither"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := tt.req
			req.Addr = serve(t, tt.server)
			if req.Conns == 0 {
				req.Conns, req.Requests = 5, 60
			}
			got, err := Run(context.Background(), Spec{LoadRequest: req})
			if err != nil {
				t.Fatal(err)
			}
			if got.Latency.Count != int64(got.Good) {
				t.Errorf("%d times of %d good answers", got.Latency.Count, got.Good)
			}
			if !strings.Contains(got.Sample, tt.sample) || (tt.sample == "") != (got.Sample == "") {
				t.Errorf("sample %q, want one that says %q", got.Sample, tt.sample)
			}
			sent := got
			got = outcomes(got)
			got.Sample, got.Latency = "", wire.Latency{}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got  %+v\nwant %+v\nall  %+v", got, tt.want, sent)
			}
		})
	}
}

// TestConnections counts the connections that a load opens.
func TestConnections(t *testing.T) {
	for _, tt := range []struct {
		keep bool
		want int
	}{{true, 4}, {false, 40}} {
		var opened atomic.Int64
		addr := serve(t, func(c *net.TCPConn, n int64) {
			opened.Add(1)
			constant(hello)(c, n)
		})
		got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
			Addr: addr, Protocol: wire.LoadHTTP, Conns: 4, Requests: 40, KeepAlive: tt.keep,
		}})
		if err != nil || got.Good != 40 || got.Conns != tt.want {
			t.Errorf("keep-alive %v: %+v, %v, want %d connections", tt.keep, got, err, tt.want)
		}
	}
}

// TestPaths checks that each path is asked for in turn, and that answers are told apart.
func TestPaths(t *testing.T) {
	var count [3]atomic.Int64
	addr := serve(t, answering(func(path string) string {
		i := strings.Index("abc", path[1:])
		count[i].Add(1)
		return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + path
	}))
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: 3, Requests: 90, KeepAlive: true, Pipeline: 4, Paths: []string{"/a", "/b", "/c"},
	}})
	if err != nil || got.Good != 90 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range count {
		if n := count[i].Load(); n < 20 || n > 40 {
			t.Errorf("path %d was asked for %d times of 90", i, n)
		}
	}
}

// TestRate checks that an open load keeps its rate, and that a server's pause is not forgotten in the response times.
func TestRate(t *testing.T) {
	const pause = 300 * time.Millisecond
	var n atomic.Int64
	addr := serve(t, func(c *net.TCPConn, _ int64) {
		in := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			if n.Add(1) == 100 {
				time.Sleep(pause) // the server's fault, which the load must see
			}
			_, _ = io.WriteString(c, hello)
		}
	})
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: 1, Requests: 500, Rate: 500, KeepAlive: true,
	}})
	if err != nil || got.Good != 500 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.Elapsed < 990*time.Millisecond {
		t.Errorf("500 requests at 500 a second took %v", got.Elapsed)
	}
	// Those that were due within the pause waited half of it on average: a closed load would have seen one long time.
	h := decoded(t, got.Latency)
	if late := countAbove(h, 50*time.Millisecond); late < 50 {
		t.Errorf("%d response times above 50 ms after a pause of %v, want those of all requests that were due", late, pause)
	}
}

// slow takes its time for each request.
func slow(t testing.TB) (addr string) {
	return serve(t, answering(func(string) string {
		time.Sleep(20 * time.Millisecond) // the server's fault, which the load must see
		return hello
	}))
}

// TestLate has open loads for which the server is too slow: each request that was due counts once, and no others.
func TestLate(t *testing.T) {
	addr := slow(t)
	for _, tt := range []struct{ requests, threads, want int }{{0, 1, 300}, {0, 2, 300}, {100, 1, 100}, {100, 2, 100}, {5000, 1, 300}} {
		t.Run(fmt.Sprintf("%d by %d", tt.requests, tt.threads), func(t *testing.T) {
			t.Parallel()
			got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
				Addr: addr, Protocol: wire.LoadHTTP, Conns: tt.threads, Threads: tt.threads, Requests: tt.requests,
				Duration: 300 * time.Millisecond, Rate: 1000, KeepAlive: true,
			}})
			if err != nil || got.Good < 1 || got.Late < 1 || got.Requests() != got.Good || got.Good+got.Late != tt.want {
				t.Errorf("%d good, %d late, %v, want %d in all", got.Good, got.Late, err, tt.want)
			}
			if got.AllGood() || got.Latency.Count != int64(got.Good) || got.Waited.Count != int64(got.Late) {
				t.Errorf("all good: %v; %d and %d times of %d and %d", got.AllGood(), got.Latency.Count, got.Waited.Count, got.Good, got.Late)
			}
			// The first of those that were not sent was due early.
			if least := time.Duration(got.Late-2*tt.threads) * time.Millisecond; got.Waited.Max < least || got.Waited.Max > got.Elapsed+time.Millisecond {
				t.Errorf("%d that were not sent waited up to %v of %v, want %v and more", got.Late, got.Waited.Max, got.Elapsed, least)
			}
		})
	}
}

// TestTimeoutsWaited checks that an open load tells how long it waited for answers that did not come.
func TestTimeoutsWaited(t *testing.T) {
	const patience = 50 * time.Millisecond
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: serve(t, func(c *net.TCPConn, _ int64) { _, _ = io.Copy(io.Discard, c) }), Protocol: wire.LoadEcho, Size: 1,
		Conns: 5, Requests: 5, Rate: 500, KeepAlive: true, Patience: patience,
	}})
	if err != nil || got.Timeout != 5 || got.Latency.Count != 0 || got.Waited.Count != 5 || got.Waited.Min < patience-patience/100 {
		t.Errorf("%+v, %v, want 5 timeouts of %v and more", got, err, patience)
	}
}

// TestAbandon checks what counts for requests that were never sent, however many they are.
func TestAbandon(t *testing.T) {
	for _, late := range []int{0, 1, 5, 1e6 + 1, 1e9} {
		w := newWorker(t, wire.LoadRequest{Addr: serve(t, echo), Protocol: wire.LoadEcho, Size: 1, Conns: 1, Rate: 1000, KeepAlive: true})
		w.base = time.Now().Add(-time.Hour) // when the first was due
		w.result.Late = late
		w.abandon()
		got, err := sum([]*worker{w})
		if err != nil || got.Waited.Count != int64(late) || got.Latency.Count != 0 {
			t.Errorf("%d late: %d times, and %d of good answers, %v", late, got.Waited.Count, got.Latency.Count, err)
		}
		if late == 5 && (got.Waited.Min < longest-longest/1000 || got.Waited.Max > longest+longest/1000) {
			t.Errorf("%d late waited from %v to %v, want %v", late, got.Waited.Min, got.Waited.Max, longest)
		}
	}
}

// TestNotLate checks that a server that keeps up is not blamed for what was due at the end.
func TestNotLate(t *testing.T) {
	addr := serve(t, constant(hello))
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: 300, Duration: 300 * time.Millisecond, Rate: 1000, KeepAlive: true,
	}})
	if err != nil || got.Late != 0 || got.Good != 300 {
		t.Errorf("%d good, %d late, %v, want 300 and none", got.Good, got.Late, err)
	}
}

func TestDuration(t *testing.T) {
	addr := serve(t, constant(hello))
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: 2, Duration: 100 * time.Millisecond, KeepAlive: true,
	}})
	if err != nil || got.Good == 0 || got.Requests() != got.Good {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Elapsed < 100*time.Millisecond || got.Elapsed > 2*time.Second {
		t.Errorf("took %v", got.Elapsed)
	}
}

// TestDistribution checks that what is sent of a distribution is the distribution.
func TestDistribution(t *testing.T) {
	h := newHistogram()
	for i := range 1000 {
		if err := h.RecordValue(int64(i+1) * int64(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := describe(h)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.At(50).Round(time.Millisecond); got != 500*time.Millisecond {
		t.Errorf("the median of 1 to 1000 ms is %v", got)
	}
	if got := decoded(t, l).TotalCount(); got != 1000 {
		t.Errorf("decoded %d times, want 1000", got)
	}
}

func decoded(t testing.TB, l wire.Latency) *hdrhistogram.Histogram {
	t.Helper()
	h, err := hdrhistogram.Decode(l.HDR)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func countAbove(h *hdrhistogram.Histogram, limit time.Duration) (n int64) {
	for _, b := range h.Distribution() {
		if b.From > int64(limit) {
			n += b.Count
		}
	}
	return n
}

// BenchmarkHTTP measures the generator against a server that does little, and fails if a request allocates.
func BenchmarkHTTP(b *testing.B) {
	addr := serve(b, func(c *net.TCPConn, _ int64) {
		buf, answer := make([]byte, 4096), []byte(hello)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			for range bytes.Count(buf[:n], []byte("\r\n\r\n")) {
				_, _ = c.Write(answer)
			}
		}
	})
	b.ReportAllocs()
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: 32, Requests: b.N, KeepAlive: true,
	}})
	if err != nil || got.Good != b.N {
		b.Fatalf("%+v, %v", got, err)
	}
	b.ReportMetric(got.PerSecond(), "req/s")
}
