package scenarios

import (
	"net/http"
	"strings"
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

	half := g.Init().Dial(s.Addr)
	half.Send(getSlash[:20])
	half.Silent(1500 * time.Millisecond)
	half.Answer("GET").WantStatus(408)
	half.Closes()

	silent := g.Init().Dial(s.Addr)
	silent.Silent(1500 * time.Millisecond)
	silent.Closes()

	// Between requests the other time counts, and then again the first one.
	c := g.Init().Dial(s.Addr)
	c.Send(getSlash)
	c.Answer("GET").WantStatus(200)
	c.Silent(4 * time.Second)
	c.Send(getSlash)
	c.Answer("GET").WantStatus(200)
	c.Silent(4 * time.Second)
	c.Send(getSlash[:20])
	c.Silent(1500 * time.Millisecond)
	c.Answer("GET").WantStatus(408)
	c.Closes()

	pause := g.Init().Dial(s.Addr)
	pause.Send(getSlash)
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
			c := g.Init().Dial(s.Addr)
			c.Send(getSlash)
			c.Answer("GET").WantStatus(200)
			c.Silent(5 * time.Second)
			c.Send(getSlash[:20])
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

// Whose answers wait in the server because nobody takes them has the time that a request has, and not that of a pause; once they are
// taken, that of a pause.
func TestHTTPdTimeOfABlockedAnswer(t *testing.T) {
	t.Parallel()
	const requests = 60
	blocked := func(t *testing.T, params ...string) (*harness.Guest, *harness.Subject, *harness.Conn) {
		t.Helper()
		g := harness.Clone(t, harness.OnInstructions())
		// The answers to what comes in one segment are more than both sockets hold.
		for _, name := range []string{"tcp_wmem", "tcp_rmem"} {
			g.Init().WriteFile("/proc/sys/net/ipv4/"+name, "4096 4096 4096")
		}
		s := g.Serve(harness.HTTP, params...)
		s.Needs(harness.FeatureKeepAlive, harness.FeaturePipelining)
		c := g.Init().Dial(s.Addr)
		c.Send(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", requests))
		return g, s, c
	}
	t.Run("not taken", func(t *testing.T) {
		t.Parallel()
		g, s, never := blocked(t, "timeout_ms=2000", "keepalive_ms=0")
		other := g.Init().Dial(s.Addr)
		other.Silent(1900 * time.Millisecond)
		other.Closes()
		g.Init().Dial(s.Addr).Silent(1500 * time.Millisecond)
		never.RecvReset()
	})
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		g, s, late := blocked(t, "timeout_ms=0", "keepalive_ms=2000")
		g.Init().Dial(s.Addr).Silent(time.Second)
		for range requests {
			late.Answer("GET").WantStatus(200)
		}
		late.Silent(1500 * time.Millisecond)
		late.Closes()
	})
}

// dated fails the test unless the answer has one Date, in the form that RFC 9110 wants to be written, and returns it.
func dated(t *testing.T, r *harness.Response) time.Time {
	t.Helper()
	field := r.Header.Values("Date")
	if len(field) != 1 {
		t.Errorf("an answer with status %d has the dates %q, want one", r.Status, field)
		return time.Time{}
	}
	date, err := time.Parse(http.TimeFormat, field[0])
	if err != nil || date.Format(http.TimeFormat) != field[0] {
		t.Errorf("an answer with status %d has the date %q: %v", r.Status, field[0], err)
	}
	return date
}

// A server that has a clock says the time in every answer, whatever it is.
func TestHTTPdDates(t *testing.T) {
	t.Parallel()
	g, s, files := site(t)
	for target, status := range map[string]int{
		"/hello.txt": 200, "/dir/": 200, "/dir": 301, "/absent": 404, "/%zz": 400,
	} {
		dated(t, files.Ask("GET", target).WantStatus(status))
	}
	dated(t, files.Ask("HEAD", "/hello.txt").WantStatus(200))
	dated(t, files.Ask("GET", "/hello.txt", "Range: bytes=0-4").WantStatus(206))
	dated(t, files.Ask("GET", "/hello.txt", "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT").WantStatus(304))
	dated(t, files.Ask("POST", "/", "Content-Length: 0").WantStatus(405))
	dated(t, files.Ask("BREW", "/").WantStatus(501))
	for request, status := range map[string]int{
		"nonsense\r\n\r\n": 400,
		"GET /" + strings.Repeat("a", 6000) + " HTTP/1.1\r\n\r\n":                        414,
		"GET / HTTP/1.1\r\nHost: guest\r\nA: " + strings.Repeat("a", 10000) + "\r\n\r\n": 431,
		"GET / HTTP/1.1\r\nHost: guest\r\nExpect: tea\r\n\r\n":                           417,
		"POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 1000000000\r\n\r\n":           413,
		"GET / HTTP/2.0\r\nHost: guest\r\n\r\n":                                          505,
	} {
		c := g.Init().Dial(s.Addr)
		c.Send(request)
		dated(t, c.Answer("GET").WantStatus(status))
		c.Reset()
	}
}

// The date is that of the answer: a second later it is another one, also between two that are sent together.
func TestHTTPdDateGoesOn(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureConformance, harness.FeatureKeepAlive)
	c := g.Init().Dial(s.Addr)
	before := dated(t, c.Ask("GET", "/").WantStatus(200))
	c.Silent(3 * time.Second)
	c.Send(strings.Repeat(getSlash, 200))
	for range 200 {
		after := dated(t, c.Answer("GET").WantStatus(200))
		if passed := after.Sub(before); passed < 2*time.Second || passed > 10*time.Second {
			t.Fatalf("3 s after %v it is %v", before, after)
		}
	}
}
