package scenarios

import (
	"strings"
	"testing"
	"time"

	"ktcp/harness"
)

const (
	getSlash = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n" // and stay connected
	request  = "GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n"
)

// serving returns a namespace in which kweb answers, and where.
func serving(t *testing.T) (n *harness.Netns, addr string) {
	t.Helper()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	return g.Init(), kweb.Addr
}

func TestHTTPRequestSplitAnywhere(t *testing.T) {
	t.Parallel()
	n, addr := serving(t)
	for _, at := range []int{1, 3, 14, len(request) - 3, len(request) - 1} {
		c := n.Dial(addr)
		c.Send(request[:at])
		c.Silent(50 * time.Millisecond) // nothing before the request is whole
		c.Send(request[at:])
		c.Response().WantStatus(200)
		c.Close()
	}
}

func TestHTTPByteByByte(t *testing.T) {
	t.Parallel()
	n, addr := serving(t)
	c := n.Dial(addr)
	for i := range request {
		c.Send(request[i : i+1])
	}
	c.Response().WantStatus(200)
}

// Data after the request must not turn the FIN after the answer into a RST, which could destroy the answer.
func TestHTTPDataAfterTheRequest(t *testing.T) {
	t.Parallel()
	n, addr := serving(t)
	c := n.Dial(addr)
	c.Send(request + strings.Repeat("more", 4096))
	c.Response().WantStatus(200)
	c.Close()
	n.Get(addr).WantStatus(200)
}

// Also when it lies in the same packet as the request: it came before anybody read.
func TestHTTPBodyThatWaitsWithItsRequest(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kweb := g.Serve(harness.Web, "max_conns=1")
	kweb.Enable(g.Init())
	first, waits := g.Init().Dial(kweb.Addr), g.Init().Dial(kweb.Addr)
	waits.Send("POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 10240\r\nConnection: close\r\n\r\n")
	first.Silent(100 * time.Millisecond) // until it is acknowledged
	waits.Send(strings.Repeat("body", 2560))
	first.Silent(100 * time.Millisecond)
	first.Close()
	waits.Response().WantStatus(200)
	waits.Close()
}

func TestHTTPHalfClosedClient(t *testing.T) {
	t.Parallel()
	n, addr := serving(t)
	c := n.Dial(addr)
	c.Send(request)
	c.CloseWrite()
	c.Response().WantStatus(200)

	quiet := n.Dial(addr)
	quiet.CloseWrite()
	quiet.Ends()
}

func TestHTTPClientThatResets(t *testing.T) {
	t.Parallel()
	n, addr := serving(t)
	for _, sent := range []string{"", "GET", request} {
		c := n.Dial(addr)
		if sent != "" {
			c.Send(sent)
		}
		c.Reset()
	}
	n.Get(addr).WantStatus(200)
}

func TestHTTPManyClientsThatWait(t *testing.T) {
	t.Parallel()
	n, addr := serving(t)
	for range 100 {
		n.Dial(addr)
	}
	n.Get(addr).WantStatus(200)
}

func TestHTTPDates(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions()) // a busy host does not take the time of those that are not to be late
	kweb := g.Serve(harness.Web, "timeout_ms=2000")
	kweb.Enable(g.Init())
	for request, status := range map[string]int{
		request:                             200,
		"GET / HTTP/1.0\r\n\r\n":            200,
		"GET \x01\r\n\r\n":                  400,
		"GET /" + strings.Repeat("a", 9000): 431,
		"GET / HTTP/1.1\r\n":                408,
	} {
		c := g.Init().Dial(kweb.Addr)
		c.Send(request)
		dated(t, c.Response().WantStatus(status))
		c.Close()
	}
}
