package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

// TestRounds checks that each client makes its rounds and not another's, when one of them is held up by the server until it gives up.
// Clients are told apart by what they say: each begins at another place of the script. One load at a time: those that wait for events
// keep processors from the server.
func TestRounds(t *testing.T) {
	const conns, rounds, size = 3, 6, 20
	said := messages(size)
	want := map[int]int{}
	for client := range conns {
		for k := range rounds {
			want[client+k]++
		}
	}
	for _, tt := range []wire.LoadRequest{
		{KeepAlive: true}, {}, {KeepAlive: true, Pipeline: 4}, {KeepAlive: true, Rate: 1000}, {Rate: 1000}, {KeepAlive: true, Duration: time.Minute},
	} {
		t.Run(fmt.Sprintf("keep %v, %d at once, at %g, for %v", tt.KeepAlive, tt.Pipeline, tt.Rate, tt.Duration), func(t *testing.T) {
			var mu sync.Mutex
			got := map[int]int{}
			held := false
			req := tt
			req.Addr = serve(t, func(c *net.TCPConn, _ int64) {
				for {
					m := make([]byte, size)
					if _, err := io.ReadFull(c, m); err != nil {
						return
					}
					mu.Lock()
					for i := range said {
						if bytes.Equal(m, said[i]) {
							got[i]++
						}
					}
					hold := !held && bytes.Equal(m, said[0]) // of the first client
					held = held || hold
					mu.Unlock()
					if hold {
						n, _ := io.Copy(io.Discard, c)
						mu.Lock()
						for k := range int(n) / size { // what it had sent in the same go
							got[k+1]++
						}
						mu.Unlock()
						return
					}
					_, _ = c.Write(m)
				}
			})
			req.Protocol, req.Size, req.Conns, req.Threads, req.Rounds = wire.LoadEcho, size, conns, 1, rounds
			req.Patience = 500 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			result, err := Run(ctx, Spec{LoadRequest: req})
			if err != nil || result.Requests() != conns*rounds || result.Timeout != max(req.Pipeline, 1) || result.Good != conns*rounds-result.Timeout {
				t.Errorf("%+v, %v, want %d requests, all but those that were held up good", result, err, conns*rounds)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("how often each message came (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRoundsLate has rounds that do not fit into the time.
func TestRoundsLate(t *testing.T) {
	got, err := Run(context.Background(), Spec{LoadRequest: wire.LoadRequest{
		Addr: slow(t), Protocol: wire.LoadHTTP, Conns: 3, Threads: 2, Rounds: 30, Duration: 300 * time.Millisecond, Rate: 1000, KeepAlive: true,
	}})
	if err != nil || got.Late < 1 || got.Requests()+got.Late != 90 {
		t.Errorf("%d requests, %d late, %v, want 90 in all", got.Requests(), got.Late, err)
	}
}
