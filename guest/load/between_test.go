package load

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"ktcp/guest/wire"
)

// TestBetweenRequests has a server that does something to a connection on which nothing is under way. The load must see it, and
// must not take it for a request.
func TestBetweenRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		act    func(c *net.TCPConn)
		want   wire.LoadResult
		sample string // a part of
	}{
		"resets": {func(c *net.TCPConn) { reset(c); c.Close() }, wire.LoadResult{Good: 6, Idle: 1}, "connection reset"},
		"speaks": {func(c *net.TCPConn) { _, _ = io.WriteString(c, "and more") }, wire.LoadResult{Good: 6, Unasked: 1}, `"and more"`},
		"closes": {func(c *net.TCPConn) { c.Close() }, wire.LoadResult{Good: 6}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			first := make(chan *net.TCPConn, 1)
			var acted atomic.Bool
			addr := serve(t, func(c *net.TCPConn, n int64) {
				if n == 0 {
					first <- c
				}
				for receive(c) {
					if n == 1 && acted.CompareAndSwap(false, true) {
						tt.act(<-first) // its turn is over
					}
					_, _ = io.WriteString(c, answer)
				}
			})
			var answered atomic.Int64
			got, err := Run(context.Background(), Spec{Answered: &answered, LoadRequest: wire.LoadRequest{
				Addr: addr, Conns: 2, Threads: 1, Requests: 6, Rate: 5, KeepAlive: true, Send: []byte(request), Expect: []byte(answer),
			}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Requests() != 6 || answered.Load() != 6 {
				t.Errorf("%d requests, and %d of them are done, want 6: %+v", got.Requests(), answered.Load(), got)
			}
			trouble := tt.want.Idle + tt.want.Unasked
			if got.SocketErrors() != trouble || got.AllGood() != (trouble == 0) {
				t.Errorf("%d socket errors, want %d; all good: %v", got.SocketErrors(), trouble, got.AllGood())
			}
			if !strings.Contains(got.Sample, tt.sample) || (tt.sample == "") != (got.Sample == "") {
				t.Errorf("sample %q, want one that says %q", got.Sample, tt.sample)
			}
			got = outcomes(got)
			got.Sample = ""
			if got.Good != tt.want.Good || got.Idle != tt.want.Idle || got.Unasked != tt.want.Unasked {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestAnsweredEarly has a server that answers, on a connection that it keeps, before it has read all of a large request.
func TestAnsweredEarly(t *testing.T) {
	large := strings.Repeat("request ", 1<<20)
	addr := serve(t, func(c *net.TCPConn, _ int64) {
		for {
			if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
				return
			}
			_, _ = io.WriteString(c, answer)
			if _, err := io.CopyN(io.Discard, c, int64(len(large)-1000)); err != nil {
				return
			}
		}
	})
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Conns: 2, Requests: 6, KeepAlive: true, Send: []byte(large), Expect: []byte(answer),
	}})
	if err != nil || got.Good != 6 || !got.AllGood() {
		t.Errorf("%+v, %v, want 6 good", got, err)
	}
}
