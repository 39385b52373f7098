package scenarios

import (
	"strings"
	"testing"

	"ktcp/harness"
)

// httpServer is the module that plays either role for HTTP, ready to answer in the initial namespace.
func httpServer(g *harness.Guest, role harness.Role, params ...string) *harness.Subject {
	s := g.Serve(role, params...)
	if role == harness.Web {
		s.Enable(g.Init())
	}
	return s
}

// body is what a client prints after the head of an answer, or without it.
func body(text string) string {
	if _, after, ok := strings.Cut(text, "\r\n\r\n"); ok {
		return after
	}
	return text
}

// On the clock of instructions, as below: what a program takes its time for depends on nothing but itself.
func TestClientsAgreeOnKweb(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kweb := httpServer(g, harness.Web)
	url := "http://" + kweb.Addr + "/"
	host, port, _ := strings.Cut(kweb.Addr, ":")
	want := g.Init().Get(kweb.Addr).WantStatus(200).Body

	curl, wget, nc, telnet := g.Program("curl"), g.Program("wget"), g.Program("nc"), g.Program("telnet")
	for _, version := range []string{"--http1.0", "--http1.1"} {
		if got := curl.Run("-sS", version, url).WantExit(0).Stdout; got != want {
			t.Errorf("curl %s: %q, want %q", version, got, want)
		}
	}
	if got := curl.Run("-sSI", url).WantExit(0).Stdout; !strings.HasPrefix(got, "HTTP/1.1 200 ") || body(got) != "" {
		t.Errorf("curl -I: %q, want a head alone", got)
	}
	// As in the documents that the project starts from: wget URL, nc HOST PORT, and by hand through telnet.
	if got := wget.Run("-q", "-O", "-", url).WantExit(0).Stdout; got != want {
		t.Errorf("wget: %q, want %q", got, want)
	}
	for _, typed := range []string{"GET / HTTP/1.0\n\n", "GET / HTTP/1.1\r\nHost: guest\r\n\r\n"} {
		got := nc.Feed(typed, host, port).WantExit(0).Stdout
		if !strings.HasPrefix(got, "HTTP/1.1 200 ") || body(got) != want {
			t.Errorf("nc with %q: %q, want %q after a head", typed, got, want)
		}
	}
	if got := telnet.Type("GET / HTTP/1.0\n\n", host, port).Stdout; !strings.Contains(got, "HTTP/1.1 200 ") || !strings.Contains(got, want) {
		t.Errorf("telnet: %q, want %q after a head", got, want)
	}
}

func TestClientsInNamespaces(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kweb := g.Serve(harness.Web)
	red, blue := g.Netns("red"), g.Netns("blue")
	kweb.Enable(red)
	curl := g.Program("curl")
	const refused = 7 // curl's exit code for a connection that failed
	curl.In(red).Run("-sS", "http://"+kweb.Addr+"/", "http://"+kweb.Addr+"/").WantExit(0)
	curl.In(blue).Run("-sS", "http://"+kweb.Addr+"/").WantExit(refused)
}
