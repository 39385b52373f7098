package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
	// As people do by hand: wget URL, nc HOST PORT, and what is typed into telnet.
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

// As people do by hand: telnet localhost 12345, and what is typed comes back.
func TestClientsAgreeOnKecho(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions(), harness.StockAlone())
	const typed = "Hello, echo!\nand again\n"
	g.File("/etc/hosts", "127.0.0.1 localhost\n")
	g.File("/etc/nsswitch.conf", "hosts: files\n")
	// Somebody at a terminal does not end what he types: the server does, when it has heard nothing for a while.
	kecho := g.Serve(harness.Echo, "timeout_ms=2000")
	_, port, _ := strings.Cut(kecho.Addr, ":")
	if got := g.Program("telnet").Type(typed, "localhost", port).Stdout; !strings.Contains(strings.ReplaceAll(got, "\r", ""), typed) {
		t.Errorf("telnet: %q, want %q in it", got, typed)
	}
	// nc -N half-closes when it has read all, and goes when all of it is back.
	if got := g.Program("nc").Feed(string(message), "-N", kecho.Host, port).WantExit(0).Stdout; got != string(message) {
		t.Errorf("nc: %d bytes came back, want %d as they were", len(got), len(message))
	}
}

func TestClientsAgreeOnKhttpd(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions(), harness.StockAlone())
	binary := strings.Repeat(string(message), 200)
	g.File(www+"/binary", binary)
	g.File(www+"/hello.txt", "Hello, file!\n")
	s := g.Serve(harness.HTTP, "WWWROOT="+www)
	s.Needs(harness.FeatureFiles, harness.FeatureConformance)
	url := "http://" + s.Addr
	curl, wget, nc, telnet := g.Program("curl"), g.Program("wget"), g.Program("nc"), g.Program("telnet")

	for name, got := range map[string]string{
		"wget": wget.Run("-q", "-O", "-", url+"/binary").WantExit(0).Stdout,
		"curl": curl.Run("-sS", url+"/binary").WantExit(0).Stdout,
		"nc":   body(nc.Feed("GET /binary HTTP/1.0\r\n\r\n", s.Host, fmt.Sprint(s.Port)).WantExit(0).Stdout),
	} {
		if got != binary {
			t.Errorf("%s: %d bytes came, want %d as they are in the file", name, len(got), len(binary))
		}
	}
	const missing = 8 // wget's exit code for an answer that is an error
	wget.Run("-q", "-O", "-", url+"/absent").WantExit(missing)
	got := telnet.Type("GET /hello.txt HTTP/1.0\n\n", s.Host, fmt.Sprint(s.Port)).Stdout
	if !strings.Contains(got, "HTTP/1.1 200 ") || !strings.Contains(got, "Hello, file!") {
		t.Errorf("telnet: %q, want the file after a head", got)
	}

	// A body of more than 1 KiB waits until it may come.
	g.File("/tmp/body", strings.Repeat("b", 4000))
	g.FileOf("/tmp/large", strings.Repeat("b", 1<<10), 2<<10)
	for _, c := range []struct {
		name, method, file, path string
		status                   int
		told                     bool // to go on
	}{
		{"a body that is read", "GET", "/tmp/body", "/hello.txt", 200, true},
		{"a body that is read, of nothing", "GET", "/tmp/body", "/absent", 404, true},
		{"a method that is refused", "POST", "/tmp/body", "/hello.txt", 405, false},
		{"another", "PUT", "/tmp/body", "/hello.txt", 405, false},
		{"a method that nobody knows", "BREW", "/tmp/body", "/hello.txt", 501, false},
		{"a body that is too large", "POST", "/tmp/large", "/hello.txt", 413, false},
	} {
		out := curl.Run("-sS", "-v", "--expect100-timeout", "30", "-X", c.method, "-H", "Expect: 100-continue", "--data-binary", "@"+c.file,
			"-o", "/dev/null", "-w", "%{http_code} %{size_upload}", url+c.path).WantExit(0)
		var status, sent int
		if _, err := fmt.Sscanf(out.Stdout, "%d %d", &status, &sent); err != nil {
			t.Errorf("%s: curl says %q: %v", c.name, out.Stdout, err)
			continue
		}
		told := strings.Contains(out.Stderr, "< HTTP/1.1 100 Continue")
		if status != c.status || told != c.told {
			t.Errorf("%s: status %d, 100 Continue: %t; want %d, %t; curl says:\n%s", c.name, status, told, c.status, c.told, out.Stderr)
		}
		if want := map[bool]int{true: 4000}[c.told]; sent != want {
			t.Errorf("%s: curl sent %d bytes of the body, want %d", c.name, sent, want)
		}
	}
}

// wrk asks for a second, on connections that hold and on such that do not, and accepts nothing but 2xx. It pauses, which takes no time here:
// how fast the answers come is for benchmarks.
func TestClientsWrk(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions(), harness.StockAlone())
	for _, role := range []harness.Role{harness.HTTP, harness.Web} {
		s := httpServer(g, role)
		// An answer takes far less than the pause.
		if score := g.Wrk(s.Addr, harness.WrkRun{Conns: 8, Pause: 10 * time.Millisecond}); score.Requests < 8*100/2 {
			t.Errorf("%s: wrk had %d answers in a second", s.Name, score.Requests)
		}
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
