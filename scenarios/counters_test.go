package scenarios

import (
	"testing"
	"time"

	"ktcp/harness"
)

// What each kind of client adds to the counters, to the byte. On the clock of instructions: only who means to runs out of time.
func TestHTTPCounters(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	n := g.Init()
	const half = "GET / HT"
	for _, role := range []harness.Role{harness.HTTP, harness.Web} {
		s := httpServer(g, role, "timeout_ms=2000")
		s.Needs(harness.FeatureStatistics)
		want := map[string]int{"accepted": 0, "active": 0, "closed": 0, "errors": 0, "timed_out": 0, "bytes_in": 0, "bytes_out": 0}
		compare := func(who string) {
			t.Helper()
			for name, number := range want {
				if s.AwaitCounter(n, name, number); t.Failed() {
					t.Fatalf("after %s", who)
				}
			}
		}
		compare("nobody")

		c := n.Dial(s.Addr)
		c.Send(request)
		r := c.Response().WantStatus(200)
		c.Close()
		want["accepted"]++
		want["closed"]++
		want["bytes_in"] += len(request)
		want["bytes_out"] += len(r.Raw)
		compare("a client that is answered")

		c = n.Dial(s.Addr)
		c.Send(half)
		want["accepted"]++
		want["active"]++
		want["bytes_in"] += len(half)
		compare("a client that has begun")
		c.Silent(time.Second)
		r = c.Answer("GET").WantStatus(408)
		c.Closes()
		c.Close()
		want["active"]--
		want["closed"]++
		want["timed_out"]++
		want["bytes_out"] += len(r.Raw)
		compare("a client that ran out of time")

		c = n.Dial(s.Addr)
		c.Send(half)
		want["accepted"]++
		want["active"]++
		want["bytes_in"] += len(half)
		compare("another that has begun")
		c.Reset()
		want["active"]--
		want["closed"]++
		want["errors"]++
		compare("a client that resets")

		if role != harness.HTTP || !s.Offers(harness.FeatureKeepAlive) {
			continue
		}
		c = n.Dial(s.Addr)
		for range 3 {
			c.Send(getSlash)
			r = c.Answer("GET").WantStatus(200)
			want["bytes_in"] += len(getSlash)
			want["bytes_out"] += len(r.Raw)
		}
		want["accepted"]++
		want["active"]++
		compare("a client that stays")
		c.Close()
		want["active"]--
		want["closed"]++
		compare("a client that has stayed")
	}
}
