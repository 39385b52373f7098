package scenarios

import (
	"strings"
	"syscall"
	"testing"

	"ktcp/harness"
)

func TestHTTPdParametersRefused(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	for _, param := range []string{
		"port=0", "port=70000", "port=-1", "port=http", "port=", "backlog=0", "backlog=-1", "backlog=many", "max_conns=0",
		"timeout_ms=-1", "keepalive_ms=-1", "keepalive_ms=soon", "netns=none", "host=localhost",
	} {
		name, _, _ := strings.Cut(param, "=")
		said := g.InsmodRefused("khttpd", syscall.EINVAL, param)
		if !strings.Contains(said, "khttpd: "+name+"=") {
			t.Errorf("insmod khttpd %s: the kernel log says %q, want it to name the parameter", param, said)
		}
	}
	for name, want := range map[string]string{"port": "8081\n", "keepalive_ms": "15000\n", "netns": "current\n"} {
		m := g.Insmod("khttpd")
		if got := g.Init().ReadFile("/sys/module/khttpd/parameters/" + name); got != want {
			t.Errorf("parameter %s reads %q, want %q", name, got, want)
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
	s := g.Serve(harness.HTTP)
	g.Init().Get(s.Addr).WantStatus(200)
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
	red.Dies()
	blue.Get(s.Addr).WantStatus(200)
}

func TestHTTPdRmmodInEveryState(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	const get = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n"
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive)

	idle := g.Init().Dial(s.Addr)
	kept := g.Init().Dial(s.Addr)
	kept.Send(get)
	kept.Answer("GET").WantStatus(200)
	begun := g.Init().Dial(s.Addr)
	begun.Send(get[:20])
	body := g.Init().Dial(s.Addr)
	body.Send("POST / HTTP/1.1\r\nHost: guest\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
	half := g.Init().Dial(s.Addr)
	half.Send(get)
	half.Answer("GET").WantStatus(200)
	half.CloseWrite()
	unread := g.Init().Dial(s.Addr)
	unread.Send(strings.Repeat(get, 1000))
	gone := g.Init().Dial(s.Addr)
	gone.Send(get[:20])
	gone.Reset()
	s.Rmmod()
	for _, c := range []*harness.Conn{idle, kept, begun, body} {
		c.Ends()
	}
	g.Init().Refuses(s.Addr)
	s.Reload()
	g.Init().Get(s.Addr).WantStatus(200)
}

// Files are open, half sent, and their readers sleep.
func TestHTTPdRmmodWithFilesInFlight(t *testing.T) {
	t.Parallel()
	g, s, idle := site(t)
	g.FileOf(www+"/large", block(), 300)
	for range 5 {
		slow := g.Init().Dial(s.Addr)
		slow.Send("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n")
		slow.Recv(1)
	}
	piped := g.Init().Dial(s.Addr)
	piped.Send(strings.Repeat("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n", 10))
	idle.Ask("GET", "/hello.txt").WantStatus(200)
	s.Rmmod()
	idle.Ends()
	s.Reload()
	g.Init().Dial(s.Addr).Ask("GET", "/hello.txt").WantStatus(200)
}

func TestHTTPdRmmodUnderTraffic(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP)
	answer := g.Init().Get(s.Addr)
	traffic := g.Init().Traffic(s.Addr, 8, answer.Raw)
	for range 5 {
		s.Rmmod()
		s.Reload()
		g.Init().Get(s.Addr).WantStatus(200)
	}
	if result := traffic.Stop(); result.Good == 0 {
		t.Errorf("not one request was answered while the module came and went: %+v", result)
	}
}
