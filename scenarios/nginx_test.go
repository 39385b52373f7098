package scenarios

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
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

// peerModified is when the files were last modified that both serve.
var peerModified = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// styles is one of them.
const styles = "p { color: red }\n"

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
	modified := peerModified
	for name, content := range map[string]string{
		"/index.html": "<p>Hello\n", "/style.css": styles, "/empty.txt": "", "/a b.txt": "blank\n",
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
		{name: "If-Range that holds", args: []string{"-r", "0-3", "-H", "If-Range: " + modified.Format(http.TimeFormat)}, path: "/digits.txt", same: fixed},
		{name: "If-Range of a tag", args: []string{"-r", "0-3", "-H", `If-Range: "another"`}, path: "/digits.txt", same: whole},
		{name: "not modified", args: []string{"-H", "If-Modified-Since: " + modified.Format(http.TimeFormat)}, path: "/style.css"},
		{name: "modified", args: []string{"-H", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"}, path: "/style.css", same: whole},
		{name: "unmodified", args: []string{"-H", "If-Unmodified-Since: " + modified.Format(http.TimeFormat)}, path: "/style.css", same: whole},
		{name: "not unmodified", args: []string{"-H", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"}, path: "/style.css", noBody: true},
		{name: "another tag", args: []string{"-H", `If-Match: "another"`}, path: "/style.css", noBody: true},
		{name: "any tag", args: []string{"-H", "If-Match: *"}, path: "/style.css", same: whole},
		{name: "no tag", args: []string{"-H", "If-None-Match: *"}, path: "/style.css"},
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
	n := g.Init()
	for _, c := range exchanges {
		ours, theirs := exchanged(n, s.Addr, c.requests), exchanged(n, peerAddr, c.requests)
		if len(ours) != len(theirs) {
			t.Errorf("%s: %d answers, nginx has %d", c.name, len(ours), len(theirs))
			continue
		}
		for i := range ours {
			compareAnswers(t, fmt.Sprintf("%s, answer %d", c.name, i+1), c.free, ours[i], theirs[i])
		}
	}
	nginx.Stop()
}

// exchange is what is sent on one connection, all at once.
type exchange struct {
	name     string
	requests []string
	// free are requests for which one of two statuses is right: 405 is for a method that the server knows, 501 for one that it does
	// not, and which methods it knows is its own affair.
	free bool
}

// of is a request of HTTP/1.1, with these further lines of its header.
func of(method, target string, fields ...string) string {
	request := method + " " + target + " HTTP/1.1\r\nHost: guest\r\n"
	for _, f := range fields {
		request += f + "\r\n"
	}
	return request + "\r\n"
}

var exchanges = []exchange{
	{name: "1.1 stays", requests: []string{of("GET", "/digits.txt"), of("GET", "/style.css")}},
	{name: "1.1 that closes", requests: []string{of("GET", "/digits.txt", "Connection: close"), of("GET", "/style.css")}},
	{name: "1.0 closes", requests: []string{"GET /digits.txt HTTP/1.0\r\n\r\n", of("GET", "/style.css")}},
	{name: "1.0 that stays", requests: []string{"GET /digits.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", of("GET", "/style.css")}},
	{name: "in their order", requests: []string{
		of("GET", "/digits.txt"), of("GET", "/absent"), of("HEAD", "/style.css"), of("GET", "/sub/"), of("HEAD", "/absent"),
		of("GET", "/sub"), of("GET", "/empty.txt"), of("GET", "/digits.txt", "Range: bytes=2-3"),
		of("GET", "/style.css", "If-Modified-Since: "+peerModified.Format(http.TimeFormat)),
		of("HEAD", "/style.css", "If-Modified-Since: "+peerModified.Format(http.TimeFormat)), of("GET", "/digits.txt"),
	}},
	{name: "directory without its slash", requests: []string{of("GET", "/sub")}},
	{name: "the same with a query", requests: []string{of("GET", "/sub?a=b")}},
	{name: "HEAD of it", requests: []string{of("HEAD", "/sub"), of("GET", "/digits.txt")}},
	{name: "no Host", requests: []string{"GET / HTTP/1.1\r\n\r\n", of("GET", "/digits.txt")}},
	{name: "method that is no token", requests: []string{"GE(T / HTTP/1.1\r\nHost: guest\r\n\r\n", of("GET", "/digits.txt")}},
	{name: "no HTTP", requests: []string{"\x16\x03\x01\x02\r\n\r\n", of("GET", "/digits.txt")}},
	{name: "two Hosts", requests: []string{of("GET", "/", "Host: guest"), of("GET", "/digits.txt")}},
	{name: "length that is no number", requests: []string{of("GET", "/", "Content-Length: x"), of("GET", "/digits.txt")}},
	{name: "POST", requests: []string{of("POST", "/digits.txt", "Content-Length: 0"), of("GET", "/digits.txt")}, free: true},
	{name: "PUT", requests: []string{of("PUT", "/digits.txt", "Content-Length: 0"), of("GET", "/digits.txt")}, free: true},
	{name: "method of another day", requests: []string{of("BREW", "/digits.txt"), of("GET", "/digits.txt")}, free: true},
}

// heard is an answer, the method that it answers, and whether it was the last one.
type heard struct {
	*harness.Response
	method string
	ends   bool
}

// exchanged sends requests on one connection and returns the answers that come before it ends.
func exchanged(n *harness.Netns, addr string, requests []string) (answers []heard) {
	c := n.Dial(addr)
	c.Send(strings.Join(requests, ""))
	for _, r := range requests {
		method, _, _ := strings.Cut(r, " ")
		a := heard{c.Answer(method), method, false}
		if a.ends = a.Close; a.ends {
			c.Closes()
		}
		answers = append(answers, a)
		if a.ends {
			break
		}
	}
	c.Close()
	return answers
}

// compareAnswers compares ours with what nginx says, as far as there is no choice.
func compareAnswers(t *testing.T, name string, free bool, ours, theirs heard) {
	t.Helper()
	noMethod := func(status int) bool {
		return status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
	}
	switch {
	case free && noMethod(ours.Status) && noMethod(theirs.Status):
	case ours.Status != theirs.Status:
		t.Errorf("%s: status %d, nginx has %d", name, ours.Status, theirs.Status)
		return
	}
	if ours.ends != theirs.ends {
		t.Errorf("%s: it closes: %t, nginx: %t", name, ours.ends, theirs.ends)
	}
	if ours.Status == http.StatusMethodNotAllowed { // nginx has none, which RFC 9110, 15.5.6, does not allow
		if allow := ours.Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "HEAD") {
			t.Errorf("%s: 405 that allows %q, want GET and HEAD", name, allow)
		}
	}
	for who, header := range map[string]http.Header{"ours": ours.Header, "nginx": theirs.Header} {
		if _, err := http.ParseTime(header.Get("Date")); err != nil {
			t.Errorf("%s: %s has Date %q: %v", name, who, header.Get("Date"), err)
		}
	}
	// One may name the host, the other not: what matters is where it leads.
	if our, their := leads(ours), leads(theirs); our != their {
		t.Errorf("%s: leads to %q, nginx to %q", name, our, their)
	}
	if ours.Body != theirs.Body && ours.Status < 300 {
		t.Errorf("%s: body %q, nginx has %q", name, ours.Body, theirs.Body)
	}
	// HEAD has what GET has, but for the body.
	if ours.method == http.MethodHead && ours.Status != http.StatusNotModified && ours.Header.Get("Content-Length") == "" {
		t.Errorf("%s: HEAD is not told the length", name)
	}
	// A length without a body is that of the body that GET would have got: of an error it is the server's own.
	if our, their := ours.Header.Get("Content-Length"), theirs.Header.Get("Content-Length"); our != their && ours.Status < 300 {
		t.Errorf("%s: Content-Length %q, nginx has %q", name, our, their)
	}
	if length := ours.Header.Get("Content-Length"); ours.Status == http.StatusNotModified && length != "" && length != fmt.Sprint(len(styles)) {
		t.Errorf("%s: 304 of %s bytes, the file has %d", name, length, len(styles))
	}
}

// leads returns the path and query of an answer's Location.
func leads(a heard) string {
	location := a.Header.Get("Location")
	if location == "" {
		return ""
	}
	base := url.URL{Scheme: "http", Host: "guest", Path: "/"}
	to, err := base.Parse(location)
	if err != nil {
		return err.Error()
	}
	return to.RequestURI()
}

// curl keeps a connection and asks for two things on it.
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
