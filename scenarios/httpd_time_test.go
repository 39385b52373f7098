package scenarios

import (
	"testing"
	"time"

	"ktcp/harness"
)

// A request has its time from its first byte to its last, and a client that takes longer is told. One that just does not ask any
// more is not.
func TestHTTPdTimesOut(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	s := g.Serve(harness.HTTP, "timeout_ms=2000", "keepalive_ms=6000")
	const get = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n"

	half := g.Init().Dial(s.Addr)
	half.Send(get[:20])
	half.Silent(1500 * time.Millisecond)
	half.Answer("GET").WantStatus(408)
	half.Closes()

	silent := g.Init().Dial(s.Addr)
	silent.Silent(1500 * time.Millisecond)
	silent.Closes()

	// Between requests the other time counts, and then again the first one.
	c := g.Init().Dial(s.Addr)
	c.Send(get)
	c.Answer("GET").WantStatus(200)
	c.Silent(4 * time.Second)
	c.Send(get)
	c.Answer("GET").WantStatus(200)
	c.Silent(4 * time.Second)
	c.Send(get[:20])
	c.Silent(1500 * time.Millisecond)
	c.Answer("GET").WantStatus(408)
	c.Closes()

	pause := g.Init().Dial(s.Addr)
	pause.Send(get)
	pause.Answer("GET").WantStatus(200)
	pause.Silent(5500 * time.Millisecond)
	pause.Closes()

	// A body that comes a byte at a time does not count as progress.
	slow := g.Init().Dial(s.Addr)
	slow.Send("POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 1000\r\n\r\n")
	for range 3 {
		slow.Send("a")
		slow.Silent(500 * time.Millisecond)
	}
	slow.Answer("POST").WantStatus(408)
	slow.Closes()
}

// The time of a request can be shorter than that of the pause before it, and nobody else need be there.
func TestHTTPdTimesOutAfterALongPause(t *testing.T) {
	t.Parallel()
	for name, keepalive := range map[string]string{"a minute": "keepalive_ms=60000", "any time": "keepalive_ms=0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := harness.Clone(t, harness.OnInstructions())
			s := g.Serve(harness.HTTP, "timeout_ms=2000", keepalive)
			const get = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n"
			c := g.Init().Dial(s.Addr)
			c.Send(get)
			c.Answer("GET").WantStatus(200)
			c.Silent(5 * time.Second)
			c.Send(get[:20])
			c.Silent(1500 * time.Millisecond)
			c.Answer("GET").WantStatus(408)
			c.Closes()
		})
	}
}

// A client that does not take its file loses the connection; one that takes it slowly does not.
func TestHTTPdSlowReaderTimesOut(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	const times = 200
	g.FileOf(www+"/large", block(), times)
	s := g.Serve(harness.HTTP, "timeout_ms=2000", "WWWROOT="+www)
	s.Needs(harness.FeatureFiles)

	never := g.Init().Dial(s.Addr)
	never.Send("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n")
	other := g.Init().Dial(s.Addr)
	other.Silent(1900 * time.Millisecond)
	other.Closes()
	g.Init().Dial(s.Addr).Silent(1500 * time.Millisecond)
	if got := never.RecvReset(); got >= times*len(block()) {
		t.Errorf("a client that reads nothing for a long time got all %d bytes", got)
	}
}
