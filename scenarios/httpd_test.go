package scenarios

import (
	"strings"
	"testing"
	"time"

	"ktcp/harness"
)

// greeting is what khttpd says as long as it has no files to serve.
const greeting = "Hello World!"

func TestHTTPdGreets(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureConformance) // others greet as they like
	r := g.Init().Get(s.Addr).WantStatus(200)
	if !s.Offers(harness.FeatureConformance) {
		return // its page is its own
	}
	if r.Body != greeting || r.Header.Get("Content-Type") != "text/plain" || r.Header.Get("Content-Length") != "12" {
		t.Errorf("the greeting is %q with header %v, want %q as text/plain of 12 bytes", r.Body, r.Header, greeting)
	}
}

func TestHTTPdHead(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureHead, harness.FeatureKeepAlive)
	c := g.Init().Dial(s.Addr)
	get, head := c.Ask("GET", "/").WantStatus(200), c.Ask("HEAD", "/").WantStatus(200)
	if got, want := head.Header.Get("Content-Length"), get.Header.Get("Content-Length"); got != want {
		t.Errorf("HEAD says Content-Length %q, GET %q", got, want)
	}
	c.Ask("GET", "/").WantStatus(200) // a body behind HEAD's header would be taken for this answer
}

func TestHTTPdKeepAlive(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive)
	for _, c := range []struct {
		name, request string
		closes        bool
	}{
		{"1.1", "GET / HTTP/1.1\r\nHost: guest\r\n\r\n", false},
		{"1.1 that asks for it", "GET / HTTP/1.1\r\nHost: guest\r\nConnection: Keep-Alive\r\n\r\n", false},
		{"1.1 that closes", "GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n", true},
		{"1.1 that closes among others", "GET / HTTP/1.1\r\nHost: guest\r\nConnection: TE, Close\r\n\r\n", true},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", true},
		{"1.0 that asks for it", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
		{"1.0 that does not know", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", true},
	} {
		conn := g.Init().Dial(s.Addr)
		conn.Send(c.request)
		r := conn.Answer("GET").WantStatus(200)
		if r.Close != c.closes {
			t.Errorf("%s: the answer says that the connection closes: %t, want %t", c.name, r.Close, c.closes)
		}
		if c.closes {
			conn.Closes()
			continue
		}
		for range 3 {
			conn.Send(c.request)
			conn.Answer("GET").WantStatus(200)
		}
		conn.Close()
	}
}

func TestHTTPdPipelining(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive, harness.FeaturePipelining, harness.FeatureHead)
	const head = "HEAD / HTTP/1.1\r\nHost: guest\r\n\r\n"
	for _, deep := range []int{2, 16, 100, 1000} {
		c := g.Init().Dial(s.Addr)
		c.Send(strings.Repeat(getSlash, deep))
		for range deep {
			c.Answer("GET").WantStatus(200)
		}
		c.Close()
	}
	// More kinds of answers in turn than fit into one sendmsg.
	c := g.Init().Dial(s.Addr)
	c.Send(strings.Repeat(getSlash+head+"POST /x HTTP/1.1\r\nHost: guest\r\nContent-Length: 4\r\n\r\nbody\r\n", 40) +
		"GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n" + getSlash)
	for range 40 {
		c.Answer("GET").WantStatus(200)
		c.Answer("HEAD").WantStatus(200)
		if r := c.Answer("POST"); r.Status != 405 && r.Status != 501 {
			t.Fatalf("POST: status %d, want 405 or 501", r.Status)
		}
	}
	c.Answer("GET").WantStatus(200)
	c.Closes() // and what was sent behind the last request is not answered
}

// A client that sends and does not read is not read either; when it reads, nothing is missing.
func TestHTTPdPipeliningWithoutReading(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive, harness.FeaturePipelining)
	const each, times = 2000, 20
	c := g.Init().Dial(s.Addr)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range times {
			c.Send(strings.Repeat(getSlash, each))
		}
	}()
	defer func() { <-sent }() // however the reader ends, the writer must not outlive the test
	for range each * times {
		if c.Answer("GET").WantStatus(200); t.Failed() {
			break
		}
	}
}

func TestHTTPdSplitAnywhere(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive)
	const get = "GET /a HTTP/1.1\r\nHost: guest\r\nConnection: keep-alive\r\n\r\n"
	c := g.Init().Dial(s.Addr)
	for at := 1; at < len(get); at++ {
		c.Send(get[:at])
		c.Send(get[at:])
		c.Answer("GET").WantStatus(200)
	}
	for i := range get {
		c.Send(get[i : i+1])
	}
	c.Answer("GET").WantStatus(200)

	c.Send(get[:len(get)-1])
	c.Silent(50 * time.Millisecond) // nothing before the request is whole
	c.Send(get[len(get)-1:])
	c.Answer("GET").WantStatus(200)
}

func TestHTTPdHalfClosedClient(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureHalfClose, harness.FeatureKeepAlive)
	c := g.Init().Dial(s.Addr)
	c.Send("GET / HTTP/1.1\r\nHost: guest\r\n\r\n")
	c.CloseWrite()
	c.Answer("GET").WantStatus(200)
	c.Closes()

	for _, part := range []string{"", "GET / HT", "POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 9\r\n\r\nhalf"} {
		quiet := g.Init().Dial(s.Addr)
		if part != "" {
			quiet.Send(part)
		}
		quiet.CloseWrite()
		quiet.Ends()
	}
}

// A client may still be sending when it has its last answer, and may only then look at it. It is let finish: a server that
// stops reading holds it up, and one that closes with bytes unread sends a RST, which can overtake the answer.
func TestHTTPdReadsOnAfterItsLastAnswer(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions()) // reading on has its time
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureLinger)
	c := g.Init().Dial(s.Addr)
	c.Send("GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n")
	c.Answer("GET").WantStatus(200)
	c.Closes()
	for range 16 { // more than fits into the buffers on the way
		c.Send(strings.Repeat("more", 128<<10))
	}
	c.Close()
	g.Init().Get(s.Addr).WantStatus(200)
}

// What came before the connection was accepted lies in the socket, in the memory of one packet: after the last request that is
// answered nothing of it is.
func TestHTTPdAnswersNothingAfterItsLastAnswer(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	s := g.Serve(harness.HTTP, "max_conns=1", "timeout_ms=120000", "keepalive_ms=120000")
	s.Needs(harness.FeatureConformance)
	for _, c := range []struct {
		request string
		status  int
	}{
		{"GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n", 200},
		{"nonsense\r\n\r\n", 400},
	} {
		first, waits := g.Init().Dial(s.Addr), g.Init().Dial(s.Addr)
		first.Send(getSlash)
		first.Answer("GET").WantStatus(200)
		waits.Send(c.request)
		first.Silent(100 * time.Millisecond) // until it is acknowledged
		waits.Send(getSlash)
		first.Silent(100 * time.Millisecond)
		first.Close()
		waits.Answer("GET").WantStatus(c.status)
		waits.Closes()
		waits.Close()
	}
}
