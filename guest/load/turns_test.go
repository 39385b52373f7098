package load

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"ktcp/guest/wire"
)

func TestTurns(t *testing.T) {
	q := newTurns(3)
	for round := range 5 {
		q.add(1)
		q.add(2)
		q.add(0)
		for k, want := range []int{1, 2, 0} {
			if got := q.next(); got != want {
				t.Errorf("round %d: number %d is client %d, want %d", round, k, got, want)
			}
		}
		q.add(round) // so that a round begins elsewhere in the ring
		q.next()
	}
}

// TestRateUsesEveryConnection checks that the requests of an open load are spread over its connections, however quick the server is.
func TestRateUsesEveryConnection(t *testing.T) {
	const conns, each = 8, 20
	var served [conns]atomic.Int64
	addr := serve(t, func(c *net.TCPConn, n int64) {
		in := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			served[n].Add(1)
			_, _ = io.WriteString(c, hello)
		}
	})
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadHTTP, Conns: conns, Threads: 1, Requests: conns * each, Rate: 500, KeepAlive: true,
	}})
	if err != nil || got.Good != conns*each {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range served {
		if n := served[i].Load(); n < each/2 || n > 2*each {
			t.Errorf("connection %d had %d of %d requests, want about %d", i, n, got.Good, each)
		}
	}
}
