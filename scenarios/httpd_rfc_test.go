package scenarios

import (
	"strings"
	"testing"

	"ktcp/harness"
)

const (
	host = "Host: guest\r\n"
	// The beginning of requests whose body is what the case is about.
	post    = "POST / HTTP/1.1\r\n" + host
	chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
)

// rfcCase is a request as it stands on the wire, and what RFC 9110 and 9112 want of a server that only knows GET and HEAD.
type rfcCase struct {
	name, request string
	status        int // 0: 405 or 501, as the server likes
	closes        bool
}

// malformed requests cannot be told from an attack on whoever reads them differently: the connection must end with them.
var malformed = []rfcCase{
	{"no version", "GET /\r\n\r\n", 400, true},
	{"no target", "GET HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"space at the end", "GET / HTTP/1.1 \r\n" + host + "\r\n", 400, true},
	{"space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"tab for space", "GET\t/ HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"fragment", "GET /#a HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"no ASCII in the target", "GET /\xc3\xbc HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"method that is no token", "GE(T / HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"lower case version", "GET / http/1.1\r\n" + host + "\r\n", 400, true},
	{"version without a dot", "GET / HTTP/11\r\n" + host + "\r\n", 400, true},
	{"version with more digits", "GET / HTTP/1.10\r\n" + host + "\r\n", 400, true},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, true},
	{"NUL", "GET / HTTP/1.1\r\nHost: gu\x00est\r\n\r\n", 400, true},
	{"DEL", "GET / HTTP/1.1\r\n" + host + "A: \x7f\r\n\r\n", 400, true},
	{"bare CR in a value", "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", 400, true},
	{"bare CR in the request line", "GET /\r HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"CR before CRLF", "GET / HTTP/1.1\r\n" + host + "\r\r\n", 400, true},

	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, true},
	{"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400, true},
	{"list of Hosts", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, true},
	{"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, true},
	{"Host with a user", "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n", 400, true},

	{"continued line", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400, true},
	{"continued with a tab", "GET / HTTP/1.1\r\n" + host + "A: b\r\n\tc\r\n\r\n", 400, true},
	{"space before the first field", "GET / HTTP/1.1\r\n " + host + "\r\n", 400, true},
	{"space before the colon", "GET / HTTP/1.1\r\nHost : guest\r\n\r\n", 400, true},
	{"tab before the colon", "GET / HTTP/1.1\r\nHost\t: guest\r\n\r\n", 400, true},
	{"no colon", "GET / HTTP/1.1\r\n" + host + "A\r\n\r\n", 400, true},
	{"no name", "GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n", 400, true},
	{"name that is no token", "GET / HTTP/1.1\r\n" + host + "A(b): c\r\n\r\n", 400, true},

	{"relative target", "GET a HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"authority for a target", "GET guest:80 HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"asterisk for a target", "GET * HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"absolute without a host", "GET http:///a HTTP/1.1\r\n" + host + "\r\n", 400, true},
	{"absolute with a user", "GET http://me@guest/ HTTP/1.1\r\n" + host + "\r\n", 400, true},

	{"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, true},
	{"list of lengths", post + "Content-Length: 1, 2\r\n\r\nab", 400, true},
	{"signed length", post + "Content-Length: +1\r\n\r\na", 400, true},
	{"negative length", post + "Content-Length: -1\r\n\r\n", 400, true},
	{"hexadecimal length", post + "Content-Length: 0x1\r\n\r\na", 400, true},
	{"empty length", post + "Content-Length:\r\n\r\n", 400, true},
	{"length and chunked", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true},
	{"chunked and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, true},
	{"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true},
	{"chunked is not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400, true},
	{"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true},
	{"unknown coding alone", post + "Transfer-Encoding: xchunked\r\n\r\n", 400, true},

	{"chunk without a size", chunked + "\r\na\r\n0\r\n\r\n", 400, true},
	{"chunk size that is no number", chunked + "xyz\r\n", 400, true},
	{"negative chunk size", chunked + "-1\r\n", 400, true},
	{"chunk size with a prefix", chunked + "0x1\r\na\r\n0\r\n\r\n", 400, true},
	{"chunk size that overflows", chunked + "10000000000000001\r\na", 400, true},
	{"chunk longer than its size", chunked + "1\r\nab\r\n0\r\n\r\n", 400, true},
	{"chunk size before LF", chunked + "1\na\r\n0\r\n\r\n", 400, true},
	{"chunk data before LF", chunked + "1\r\na\n0\r\n\r\n", 400, true},
	{"chunk size and more", chunked + "1 a\r\na\r\n0\r\n\r\n", 400, true},
	{"CR in a chunk's extension", chunked + "1;a\rb\r\na\r\n0\r\n\r\n", 400, true},
	{"trailer without a name", chunked + "0\r\n: a\r\n\r\n", 400, true},
}

// refused requests are understood. The connection goes on where the end of the request is known.
var refused = []rfcCase{
	{"POST with a body", post + "Content-Length: 5\r\n\r\nhello", 0, false},
	{"POST without one", post + "Content-Length: 0\r\n\r\n", 0, false},
	{"chunked body", chunked + "5;name=\"value\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: yes\r\n\r\n", 0, false},
	{"DELETE", "DELETE / HTTP/1.1\r\n" + host + "\r\n", 0, false},
	{"OPTIONS of the server", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 0, false},
	{"CONNECT", "CONNECT guest:443 HTTP/1.1\r\n" + host + "\r\n", 0, false},
	{"method of another day", "BREW / HTTP/1.1\r\n" + host + "\r\n", 501, false},
	{"method in lower case", "get / HTTP/1.1\r\n" + host + "\r\n", 501, false},
	{"coding that is not supported", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, true},
	{"another expectation", "GET / HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n", 417, true},
	{"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", 505, true},
	{"HTTP/0.9", "GET / HTTP/0.9\r\n" + host + "\r\n", 505, true},
	{"long target", "GET /" + strings.Repeat("a", 6000) + " HTTP/1.1\r\n" + host + "\r\n", 414, true},
	{"target without an end", "GET /" + strings.Repeat("a", 20000), 414, true},
	{"long field", "GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("a", 10000) + "\r\n\r\n", 431, true},
	{"many fields", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: b\r\n", 5000) + "\r\n", 431, true},
	{"body that is too long", post + "Content-Length: 1000000000\r\n\r\n", 413, true},
	{"body beyond any number", post + "Content-Length: 99999999999999999999999999\r\n\r\n", 413, true},
	{"chunk that is too long", chunked + "fffffff\r\n", 413, true},
	{"long trailer", chunked + "0\r\nA: " + strings.Repeat("a", 10000) + "\r\n\r\n", 431, true},
}

// accepted requests are unusual, and right.
var accepted = []rfcCase{
	{"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", 200, false},
	{"typed by hand", "GET / HTTP/1.1\n" + "Host: guest\n\n", 200, false},
	{"names in any case", "GET / HTTP/1.1\r\nhOST:guest\r\n\r\n", 200, false},
	{"white space around values", "GET / HTTP/1.1\r\nHost: \t guest \t \r\n\r\n", 200, false},
	{"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, false},
	{"Host with a port", "GET / HTTP/1.1\r\nHost: [::1]:8081\r\n\r\n", 200, false},
	{"empty value", "GET / HTTP/1.1\r\n" + host + "A:\r\n\r\n", 200, false},
	{"bytes beyond ASCII in a value", "GET / HTTP/1.1\r\n" + host + "A: \xc3\xbc\xff\r\n\r\n", 200, false},
	{"absolute target", "GET http://guest:80/a?b HTTP/1.1\r\n" + host + "\r\n", 200, false},
	{"absolute target without a path", "GET HTTP://guest HTTP/1.1\r\n" + host + "\r\n", 200, false},
	{"minor version to come", "GET / HTTP/1.9\r\n" + host + "\r\n", 200, false},
	{"GET with a body", "GET / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello", 200, false},
	{"GET with chunks", "GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, false},
	{"1.0 without Host", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false},
}

func TestHTTPdRefusesWhatIsMalformed(t *testing.T) { t.Parallel(); holdTo(t, malformed) }

func TestHTTPdRefusesWhatItDoesNotDo(t *testing.T) { t.Parallel(); holdTo(t, refused) }

func TestHTTPdAcceptsWhatIsUnusual(t *testing.T) { t.Parallel(); holdTo(t, accepted) }

// holdTo sends each request on a connection of its own, and a second one behind it, which must be answered exactly when the
// connection is to go on.
func holdTo(t *testing.T, cases []rfcCase) {
	t.Helper()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureConformance)
	for _, c := range cases {
		conn := g.Init().Dial(s.Addr)
		conn.Send(c.request + "GET /next HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n")
		method, _, _ := strings.Cut(c.request, " ")
		r := conn.Answer(method)
		switch {
		case c.status == 0 && r.Status != 405 && r.Status != 501:
			t.Errorf("%s: status %d, want 405 or 501", c.name, r.Status)
		case c.status != 0 && r.Status != c.status:
			t.Errorf("%s: status %d, want %d", c.name, r.Status, c.status)
		case r.Status == 405 && r.Header.Get("Allow") == "":
			t.Errorf("%s: 405 without Allow", c.name)
		case r.Close != c.closes:
			t.Errorf("%s: the answer says that the connection closes: %t, want %t", c.name, r.Close, c.closes)
		}
		if !r.Close {
			conn.Answer("GET").WantStatus(200)
		}
		conn.Closes()
		conn.Close()
	}
	g.Init().Get(s.Addr).WantStatus(200)
}

func TestHTTPdExpectContinue(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureConformance, harness.FeatureKeepAlive)

	c := g.Init().Dial(s.Addr)
	c.Send("GET / HTTP/1.1\r\n" + host + "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n")
	c.Answer("GET").WantStatus(100)
	c.Send("body")
	c.Answer("GET").WantStatus(200)
	// Without a body there is nothing to wait for.
	c.Ask("GET", "/", "Expect: 100-continue").WantStatus(200)
	c.Close()

	// The final answer comes at once, and whether the body does as well, nobody knows.
	c = g.Init().Dial(s.Addr)
	c.Send(post + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	if r := c.Answer("POST"); r.Status != 405 && r.Status != 501 || !r.Close {
		t.Errorf("POST that waits: status %d, closes: %t; want 405 or 501, and close", r.Status, r.Close)
	}
	c.Closes()

	// A client of 1.0 does not know what 100 is.
	c = g.Init().Dial(s.Addr)
	c.Send("GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")
	c.Answer("GET").WantStatus(200)
	c.Closes()
}
