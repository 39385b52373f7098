package scenarios

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"ktcp/harness"
)

// www is the directory that is served in these scenarios; nothing of what lies beside it may ever be seen.
const www = "/srv/www"

// outside is what stands in files beside the directory.
const outside = "not for you"

// modified is a time that all three forms of HTTP's dates can express.
var modified = time.Date(1994, time.November, 6, 8, 49, 37, 0, time.UTC)

// site loads khttpd with a directory of files and returns a connection to it. What matters is content and not time: there is plenty
// of it, and a busy host does not take any.
func site(t *testing.T) (*harness.Guest, *harness.Subject, *harness.Conn) {
	t.Helper()
	g := harness.Clone(t, harness.OnInstructions())
	g.FileAt(www+"/hello.txt", "Hello, file!\n", modified)
	g.File(www+"/empty.html", "")
	g.File(www+"/with index/index.html", "<p>index</p>\n")
	g.File(www+"/dir/a&b <i>.txt", "ab")
	g.File(www+"/dir/100%\"quoted\".PNG", "png")
	g.File(www+"/dir/sub/x", "x")
	g.File(www+"/dir/.hidden", "h")
	g.File("/srv/secret", outside)
	g.File("/srv/www2/secret", outside)
	s := g.Serve(harness.HTTP, "WWWROOT="+www, "timeout_ms=120000", "keepalive_ms=120000")
	s.Needs(harness.FeatureFiles)
	return g, s, g.Init().Dial(s.Addr)
}

func wantBody(t *testing.T, r *harness.Response, want string) {
	t.Helper()
	if r.Body != want {
		t.Errorf("the body is %.100q, want %.100q", r.Body, want)
	}
}

func wantField(t *testing.T, r *harness.Response, name, want string) {
	t.Helper()
	if got := r.Header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

func TestHTTPdFiles(t *testing.T) {
	t.Parallel()
	_, _, c := site(t)
	r := c.Ask("GET", "/hello.txt").WantStatus(200)
	wantBody(t, r, "Hello, file!\n")
	wantField(t, r, "Content-Type", "text/plain; charset=utf-8")
	wantField(t, r, "Last-Modified", modified.Format(http.TimeFormat))

	head := c.Ask("HEAD", "/hello.txt").WantStatus(200)
	wantField(t, head, "Content-Length", "13")

	r = c.Ask("GET", "/empty.html").WantStatus(200)
	wantBody(t, r, "")
	wantField(t, r, "Content-Type", "text/html; charset=utf-8")

	r = c.Ask("GET", "/dir/100%25%22quoted%22.PNG?query").WantStatus(200)
	wantBody(t, r, "png")
	wantField(t, r, "Content-Type", "image/png")
	wantBody(t, c.Ask("GET", "//dir/./sub//../sub/x").WantStatus(200), "x")
	wantBody(t, c.Ask("GET", "http://guest/dir/sub/x").WantStatus(200), "x")

	c.Ask("GET", "/absent").WantStatus(404)
	c.Ask("HEAD", "/absent").WantStatus(404)
	c.Ask("GET", "/hello.txt/").WantStatus(404)
	c.Ask("GET", "/hello.txt/x").WantStatus(404)
	c.Ask("GET", "/"+strings.Repeat("a", 300)).WantStatus(404)
	c.Ask("GET", "/%zz").WantStatus(400)
	c.Ask("GET", "/hello.txt%00").WantStatus(400)
	c.Ask("POST", "/hello.txt", "Content-Length: 0").WantStatus(405)
	c.Ask("GET", "/hello.txt", "Connection: close").WantStatus(200)
	c.Closes()
}

func TestHTTPdFilesPipelined(t *testing.T) {
	t.Parallel()
	_, _, c := site(t)
	const get = "GET /%s HTTP/1.1\r\nHost: guest\r\n\r\n"
	names := []string{"hello.txt", "absent", "dir/", "dir", "dir/sub/x"}
	var all strings.Builder
	for range 20 {
		for _, name := range names {
			fmt.Fprintf(&all, get, name)
		}
	}
	c.Send(all.String())
	for range 20 {
		wantBody(t, c.Answer("GET").WantStatus(200), "Hello, file!\n")
		c.Answer("GET").WantStatus(404)
		c.Answer("GET").WantStatus(200)
		c.Answer("GET").WantStatus(301)
		wantBody(t, c.Answer("GET").WantStatus(200), "x")
	}
}

func TestHTTPdStaysInItsRoot(t *testing.T) {
	t.Parallel()
	g, _, c := site(t)
	g.Symlink("../secret", www+"/up")
	g.Symlink("/srv/secret", www+"/absolute")
	g.Symlink("..", www+"/parent")
	g.Symlink("/", www+"/slash")
	g.Symlink("dir/../../secret", www+"/zigzag")
	g.Symlink("loop", www+"/loop")
	g.Symlink("dir/sub", www+"/inside")
	g.Symlink("/proc/self/root", www+"/magic")
	for _, target := range []string{
		"/../secret", "/dir/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/dir/%2E%2e/%2e./secret", "/..", "/../www2/secret",
		"/up", "/absolute", "/parent/secret", "/parent/", "/parent/www/hello.txt", "/slash/srv/secret", "/zigzag", "/loop", "/magic/srv/secret",
		"/.%00./secret", "/..\\secret",
	} {
		r := c.Ask("GET", target)
		if r.Status != 400 && r.Status != 403 && r.Status != 404 {
			t.Errorf("GET %s: status %d, want 400, 403 or 404", target, r.Status)
		}
		if strings.Contains(r.Body, outside) || strings.Contains(r.Body, "secret") {
			t.Errorf("GET %s shows what is outside: %q", target, r.Body)
		}
	}
	wantBody(t, c.Ask("GET", "/inside/x").WantStatus(200), "x")
	wantBody(t, c.Ask("GET", "/dir/../hello.txt").WantStatus(200), "Hello, file!\n")
}

func TestHTTPdServesOnlyWhatEverybodyMayRead(t *testing.T) {
	t.Parallel()
	g, _, c := site(t)
	g.FileOnlyFor(www+"/mine", outside, 0o600)
	g.FileOnlyFor(www+"/ours", outside, 0o660)
	g.File(www+"/closed/file", outside)
	g.MkdirOnlyFor(www+"/closed", 0o700)
	g.Mkfifo(www + "/fifo")
	g.Mkdevice(www + "/zero")
	g.Symlink("zero", www+"/link")
	g.Mkfifo(www + "/odd/index.html")
	for _, target := range []string{"/mine", "/ours", "/closed/file", "/closed/", "/fifo", "/zero", "/link", "/odd/"} {
		if r := c.Ask("GET", target).WantStatus(403); strings.Contains(r.Body, outside) {
			t.Errorf("GET %s: %q", target, r.Body)
		}
	}
	c.Ask("GET", "/hello.txt").WantStatus(200)
}

// The length was promised: a file that has become shorter ends the connection, and what came so far cannot be taken for whole.
func TestHTTPdFileThatShrinks(t *testing.T) {
	t.Parallel()
	g, s, other := site(t)
	const times = 300
	g.FileOf(www+"/shrinks", block(), times)
	c := g.Init().Dial(s.Addr)
	c.Send("GET /shrinks HTTP/1.1\r\nHost: guest\r\n\r\n")
	c.Recv(1) // it has begun, and cannot have ended: nobody reads
	g.Init().WriteFile(www+"/shrinks", "short")
	if got := c.RecvReset(); got >= times*len(block()) {
		t.Errorf("%d bytes came of a file that became shorter", got)
	}
	wantBody(t, other.Ask("GET", "/shrinks").WantStatus(200), "short")
}

// What cannot be read is an error that is told, as long as nothing of the answer is out, and the connection goes on.
func TestHTTPdFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	s := g.Serve(harness.HTTP, "WWWROOT=/sys/devices/virtual/net/lo")
	s.Needs(harness.FeatureFiles)
	c := g.Init().Dial(s.Addr)
	c.Ask("GET", "/speed").WantStatus(500) // sysfs has it, and nobody knows how fast the loopback is: EINVAL
	c.Ask("GET", "/absent").WantStatus(404)
}

func TestHTTPdRootRefused(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	g.File("/srv/file", "")
	g.Symlink("gone", "/srv/dangling")
	for _, c := range []struct {
		root  string
		errno syscall.Errno
	}{
		{"/srv/absent", syscall.ENOENT},
		{"/srv/dangling", syscall.ENOENT},
		{"/srv/file", syscall.ENOTDIR},
		{"/srv/file/below", syscall.ENOTDIR},
		{"srv", syscall.EINVAL},
		{".", syscall.EINVAL},
		{"", syscall.EINVAL},
	} {
		said := g.InsmodRefused("khttpd", c.errno, "WWWROOT="+c.root)
		if want := "khttpd: WWWROOT=" + c.root + ": "; strings.Count(said, want) != 1 {
			t.Errorf("WWWROOT=%s: the kernel log says %q, want one line with %q", c.root, said, want)
		}
	}
	g.Mkdir("/srv/real")
	g.Symlink("real", "/srv/link")
	g.Insmod("khttpd", "WWWROOT=/srv/link").Rmmod()
}
