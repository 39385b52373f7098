package scenarios

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ktcp/harness"
)

// answered is an answer as far as RFC 9110 and 9112 leave a server no choice about it.
type answered struct {
	status int
	fields map[string]string
	body   string
}

// fixed are the fields that follow from the file and the request alone.
var fixed = []string{"Content-Length", "Content-Range", "Content-Type", "Last-Modified"}

// ask has curl ask for something and reads the answer that it shows.
func ask(t *testing.T, curl *harness.Program, args ...string) answered {
	t.Helper()
	out := curl.Run(append([]string{"-sS", "-i", "--raw"}, args...)...).WantExit(0).Stdout
	method := http.MethodGet
	for _, a := range args {
		if a == "-I" {
			method = http.MethodHead
		}
	}
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(out)), &http.Request{Method: method})
	if err != nil {
		t.Errorf("curl %q: %v in %q", args, err, out)
		return answered{}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("curl %q: %v", args, err)
	}
	got := answered{status: r.StatusCode, fields: map[string]string{}, body: string(body)}
	for _, name := range fixed {
		got.fields[name], _, _ = strings.Cut(r.Header.Get(name), ";") // nobody has to name a charset
	}
	return got
}

// nginx serves the same files. What it answers and no server may answer otherwise, khttpd answers too.
func TestClientsSeeWhatNginxServes(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions(), harness.StockAlone())
	const root = "/srv/www"
	modified := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for name, content := range map[string]string{
		"/index.html": "<p>Hello\n", "/style.css": "p { color: red }\n", "/empty.txt": "", "/a b.txt": "blank\n",
		"/sub/index.html": "<p>Below\n", "/digits.txt": "0123456789",
	} {
		g.FileAt(root+name, content, modified)
	}
	s := g.Serve(harness.HTTP, "WWWROOT="+root)
	s.Needs(harness.FeatureFiles)
	nginx := g.Nginx(peerPort, "root "+root+";")
	curl := g.Program("curl")

	whole := []string{"Content-Length", "Content-Type", "Last-Modified"}
	for _, c := range []struct {
		name   string
		args   []string
		path   string
		same   []string // of fixed
		noBody bool     // of an error, whose text is the server's own
	}{
		{name: "index", path: "/", same: whole},
		{name: "file", path: "/style.css", same: whole},
		{name: "nothing in it", path: "/empty.txt", same: whole},
		{name: "escaped name", path: "/a%20b.txt", same: whole},
		{name: "dots", args: []string{"--path-as-is"}, path: "/sub/../style.css", same: whole},
		{name: "directory", path: "/sub/", same: whole},
		{name: "query", path: "/style.css?a=b", same: whole},
		{name: "1.0", args: []string{"--http1.0"}, path: "/style.css", same: whole},
		{name: "HEAD", args: []string{"-I"}, path: "/style.css", same: whole},
		{name: "first bytes", args: []string{"-r", "0-3"}, path: "/digits.txt", same: fixed},
		{name: "from a byte on", args: []string{"-r", "4-"}, path: "/digits.txt", same: fixed},
		{name: "last bytes", args: []string{"-r", "-2"}, path: "/digits.txt", same: fixed},
		{name: "beyond the end", args: []string{"-r", "10-"}, path: "/digits.txt", same: []string{"Content-Range"}, noBody: true},
		{name: "not modified", args: []string{"-H", "If-Modified-Since: " + modified.Format(http.TimeFormat)}, path: "/style.css"},
		{name: "modified", args: []string{"-H", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"}, path: "/style.css", same: whole},
		{name: "absent", path: "/absent", noBody: true},
	} {
		ours, theirs := ask(t, curl, append(c.args, "http://"+s.Addr+c.path)...), ask(t, curl, append(c.args, "http://"+peerAddr+c.path)...)
		if ours.status != theirs.status {
			t.Errorf("%s: status %d, nginx has %d", c.name, ours.status, theirs.status)
			continue
		}
		for _, name := range c.same {
			if ours.fields[name] != theirs.fields[name] {
				t.Errorf("%s: %s %q, nginx has %q", c.name, name, ours.fields[name], theirs.fields[name])
			}
		}
		if !c.noBody && ours.body != theirs.body {
			t.Errorf("%s: body %q, nginx has %q", c.name, ours.body, theirs.body)
		}
	}
	nginx.Stop()
}

// curl keeps a connection, asks for two things on it, and sends a body only when it may.
func TestClientsKeepAlive(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	s := g.Serve(harness.HTTP)
	s.Needs(harness.FeatureKeepAlive)
	url := "http://" + s.Addr + "/"
	curl, wget := g.Program("curl"), g.Program("wget")
	got := curl.Run("-sS", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", url, url).WantExit(0)
	if got.Stdout != "200 1\n200 0\n" {
		t.Errorf("two requests: status and connections %q, want one connection for both", got.Stdout)
	}
	got = curl.Run("-sS", "--http1.0", "-o", "/dev/null", "-w", "%{http_code}\n", url).WantExit(0)
	if got.Stdout != "200\n" {
		t.Errorf("HTTP/1.0: status %q", got.Stdout)
	}
	want := curl.Run("-sS", url).WantExit(0).Stdout
	if got := wget.Run("-q", "-O", "-", url).WantExit(0).Stdout; got != want {
		t.Errorf("wget: %q, curl got %q", got, want)
	}
}
