package scenarios

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"ktcp/harness"
)

func TestHTTPdParametersRefused(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	for _, param := range []string{
		"port=0", "port=65536", "port=70000", "port=-1", "port=http", "port=",
		"backlog=0", "backlog=-1", "backlog=65536", "backlog=many", "max_conns=0", "max_conns=-1", "max_conns=1048577",
		"timeout_ms=-1", "timeout_ms=86400001", "keepalive_ms=-1", "keepalive_ms=86400001", "keepalive_ms=soon",
		"netns=none", "host=localhost",
	} {
		name, _, _ := strings.Cut(param, "=")
		said := g.InsmodRefused("khttpd", syscall.EINVAL, param)
		if !strings.Contains(said, "khttpd: "+name+"=") {
			t.Errorf("insmod khttpd %s: the kernel log says %q, want it to name the parameter", param, said)
		}
	}
	largest := []string{"port=65535", "backlog=65535", "max_conns=1048576", "timeout_ms=86400000", "keepalive_ms=86400000"}
	// What is said of them without being asked, and the largest of each.
	for _, c := range []struct{ given, want []string }{
		{nil, []string{"port=8081", "keepalive_ms=15000", "netns=current"}},
		{largest, largest},
	} {
		m := g.Insmod("khttpd", c.given...)
		for _, param := range c.want {
			name, want, _ := strings.Cut(param, "=")
			if got := g.Init().ReadFile("/sys/module/khttpd/parameters/" + name); got != want+"\n" {
				t.Errorf("parameter %s reads %q, want %q", name, got, want)
			}
		}
		m.Rmmod()
	}
}

func TestHTTPdPortInUse(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	release := g.Init().Occupy("0.0.0.0:8081")
	g.InsmodRefused("khttpd", syscall.EADDRINUSE)
	g.InsmodRefused("khttpd", syscall.EADDRINUSE, "WWWROOT=/") // has more to give back
	release()
	g.Insmod("khttpd")
	g.Init().Get("127.0.0.1:8081").WantStatus(200)
}

// It serves where it was loaded, and in all namespaces if it is told to.
func TestHTTPdNamespaces(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	red := g.Netns("red")
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureNamespaces)
	g.Init().Get(s.Addr).WantStatus(200)
	red.Refuses(s.Addr)
	s.Rmmod()
	g.Init().Refuses(s.Addr)

	s = g.Serve(harness.HTTP, "netns=all")
	blue := g.Netns("blue") // also one that is yet to come
	for _, n := range []*harness.Netns{g.Init(), red, blue} {
		n.Get(s.Addr).WantStatus(200)
	}
	red.Dial(s.Addr).Send("GET / HT")
	red.DialHalf(s.Addr, 3) // not even a connection yet
	red.Dies()
	blue.Get(s.Addr).WantStatus(200)
}

// httpdRmmod are the states that only a server of requests knows.
var httpdRmmod = []rmmodState{
	{"silent, and gone", nil, func(n *harness.Netns, addr string) {
		n.Dial(addr)
		n.Dial(addr).Close()
		c := n.Dial(addr)
		c.Send(getSlash[:20])
		c.Reset()
	}},
	{"kept alive", nil, func(n *harness.Netns, addr string) {
		for range 3 {
			n.Dial(addr).Ask("GET", "/").WantStatus(200)
		}
	}},
	{"after traffic", nil, func(n *harness.Netns, addr string) {
		for range 5 {
			n.Get(addr).WantStatus(200)
		}
		c := n.Dial(addr)
		c.Ask("GET", "/").WantStatus(200)
		c.Close()
	}},
	{"in a request", nil, func(n *harness.Netns, addr string) {
		n.Dial(addr).Send(getSlash[:20])
		kept := n.Dial(addr)
		kept.Ask("GET", "/").WantStatus(200)
		kept.Send(getSlash[:3])
		n.Dial(addr).Send("POST / HTTP/1.1\r\nHost: guest\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
		n.Dial(addr).Send("POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 9\r\n\r\nhalf")
		told := n.Dial(addr)
		told.Send("GET / HTTP/1.1\r\nHost: guest\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
		told.Answer("GET").WantStatus(100)
	}},
	{"answers unread", nil, func(n *harness.Netns, addr string) {
		c := n.Dial(addr)
		c.Send(strings.Repeat(getSlash, 1000))
		c.Recv(1)
	}},
	{"half-closed", nil, func(n *harness.Netns, addr string) {
		c := n.Dial(addr)
		c.Send(getSlash)
		c.Answer("GET").WantStatus(200)
		c.CloseWrite()
		begun := n.Dial(addr)
		begun.Send(getSlash[:20])
		begun.CloseWrite()
	}},
	{"TIME_WAIT", nil, func(n *harness.Netns, addr string) {
		for range 5 {
			n.Get(addr).WantStatus(200) // the server closes first
		}
	}},
	{"its last answer is out", nil, func(n *harness.Netns, addr string) {
		c := n.Dial(addr)
		c.Ask("GET", "/", "Connection: close").WantStatus(200)
		c.Closes() // it has said its FIN, and reads on until we say ours
	}},
	{"backlog full", []string{"max_conns=1", "backlog=2"}, func(n *harness.Netns, addr string) {
		n.Dial(addr).Ask("GET", "/").WantStatus(200)
		n.Dial(addr)
		n.Dial(addr).Send(getSlash)
		n.Dial(addr)
		n.Unanswered(addr)
	}},
	// A file is open, half sent, and its reader sleeps, or has half-closed before.
	{"full send buffer", []string{"WWWROOT=" + www}, func(n *harness.Netns, addr string) {
		var slow []*harness.Conn
		for range 3 {
			c := n.Dial(addr)
			c.Send(getLarge)
			c.Recv(1)
			slow = append(slow, c)
		}
		slow[0].CloseWrite()
		n.Dial(addr).Send(strings.Repeat(getLarge, 10))
		n.Dial(addr).Ask("GET", "/hello.txt").WantStatus(200)
	}},
}

const getLarge = "GET /large HTTP/1.1\r\nHost: guest\r\n\r\n"

// The module goes whatever its clients are waiting for, or not reading, and can come back.
func TestHTTPdRmmodInEveryState(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	g.File(www+"/hello.txt", "Hello, file!\n")
	g.FileOf(www+"/large", block(), 300)
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive, harness.FeatureConformance)
	s.Rmmod()
	rmmodInEach(t, g, harness.HTTP, slices.Concat(anyRmmod, httpdRmmod))
	s.Reload()
	g.Init().Get(s.Addr).WantStatus(200)
}

// Who waits sees the end, and nothing before it.
func TestHTTPdRmmodEndsConnectionsProperly(t *testing.T) {
	t.Parallel()
	g, s, kept := site(t)
	kept.Ask("GET", "/hello.txt").WantStatus(200)
	silent, begun := g.Init().Dial(s.Addr), g.Init().Dial(s.Addr)
	begun.Send(getSlash[:20])
	body := g.Init().Dial(s.Addr)
	body.Send("POST / HTTP/1.1\r\nHost: guest\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
	s.Rmmod()
	for _, c := range []*harness.Conn{silent, kept, begun, body} {
		c.Ends()
	}
	s.Reload()
	g.Init().Dial(s.Addr).Ask("GET", "/hello.txt").WantStatus(200)
}

// A thousand clients that connect and wait: no thread is there for them, and little memory.
func TestHTTPdThousandIdle(t *testing.T) {
	t.Parallel()
	const (
		chunk     = 250
		mostBytes = 1024 // of the module's own, for each
	)
	g := harness.Clone(t)
	count := g.Many(4*chunk) / chunk * chunk
	if count == 0 {
		count = chunk
	}
	s := g.Serve(harness.HTTP, "timeout_ms=0", "keepalive_ms=0")
	s.Needs(harness.FeatureStatistics)
	probe := g.Init().Dial(s.Addr)
	probe.Ask("GET", "/").WantStatus(200)
	before := g.Kthreads()
	for range count / chunk {
		g.Init().DialMany(s.Addr, chunk)
		probe.Ask("GET", "/").WantStatus(200)
	}
	s.AwaitCounter(g.Init(), "active", count+1)
	if after := g.Kthreads(); after > before {
		t.Errorf("%d connections: %d kernel threads, %d before", count, after, before)
	}
	s.WantNobodyInside()
	g.Init().Get(s.Addr).WantStatus(200)
	if objects, size := g.Slab(s.Name); objects < count || size > mostBytes {
		t.Errorf("%d objects of %d bytes in the module's cache, want %d of at most %d bytes", objects, size, count, mostBytes)
	}
	s.Rmmod()
	g.Init().Refuses(s.Addr)
}

func TestHTTPdRmmodUnderTraffic(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	s := g.Serve(harness.HTTP)
	answer := g.Init().Get(s.Addr)
	traffic := g.Init().Traffic(s.Addr, 8, answer.Body)
	for range 5 {
		s.Rmmod()
		s.Reload()
		g.Init().Get(s.Addr).WantStatus(200)
	}
	if result := traffic.Stop(); result.Good == 0 {
		t.Errorf("not one request was answered while the module came and went: %+v", result)
	}
}
