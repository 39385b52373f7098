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

func TestHTTPdDirectories(t *testing.T) {
	t.Parallel()
	g, s, c := site(t)
	wantBody(t, c.Ask("GET", "/with%20index/").WantStatus(200), "<p>index</p>\n")

	r := c.Ask("GET", "/with%20index?a=b").WantStatus(301)
	wantField(t, r, "Location", "/with%20index/?a=b")
	// Two slashes would name another host.
	wantField(t, c.Ask("GET", "//dir").WantStatus(301), "Location", "/dir/")
	wantField(t, c.Ask("GET", "/%2fdir%2f%2e%2e/dir").WantStatus(301), "Location", "/dir/")

	r = c.Ask("GET", "/dir/").WantStatus(200)
	wantField(t, r, "Content-Type", "text/html; charset=utf-8")
	for _, want := range []string{
		`<a href="a%26b%20%3Ci%3E.txt">a&amp;b &lt;i&gt;.txt</a>`,
		`<a href="100%25%22quoted%22.PNG">100%&quot;quoted&quot;.PNG</a>`,
		`<a href="sub/">sub/</a>`, `<a href="../">`,
	} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the listing lacks %s:\n%s", want, r.Body)
		}
	}
	if strings.Contains(r.Body, "hidden") {
		t.Errorf("the listing shows a hidden file:\n%s", r.Body)
	}
	if r := c.Ask("GET", "/").WantStatus(200); strings.Contains(r.Body, `"../"`) || !strings.Contains(r.Body, `"dir/"`) {
		t.Errorf("the listing of the root:\n%s", r.Body)
	}
	c.Ask("HEAD", "/dir/").WantStatus(200)
	c.Ask("GET", "/hello.txt").WantStatus(200)

	// A client of 1.0 knows no chunks: the end of the connection is the end of the page.
	old := g.Init().Dial(s.Addr)
	old.Send("GET /dir/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if page := old.Answer("GET").WantStatus(200); page.Body != r.Body {
		t.Errorf("the page for 1.0 is\n%s, want\n%s", page.Body, r.Body)
	}
	old.Closes()
}

// A directory that does not fit into memory at once, with names as long as they can be.
func TestHTTPdLargeDirectory(t *testing.T) {
	t.Parallel()
	g, _, c := site(t)
	const files = 120
	name := func(i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("&", 252) }
	for i := range files {
		g.File(www+"/large/"+name(i), "")
	}
	r := c.Ask("GET", "/large/").WantStatus(200)
	for i := range files {
		link := `"` + strings.ReplaceAll(name(i), "&", "%26") + `"`
		if got := strings.Count(r.Body, link); got != 1 {
			t.Errorf("file %d is listed %d times", i, got)
		}
	}
	if !strings.HasSuffix(r.Body, "</html>\n") {
		t.Errorf("the page does not end: %q", r.Body[max(0, len(r.Body)-100):])
	}
	c.Ask("GET", "/hello.txt").WantStatus(200)
}

// Names that are not shown do not become a part of their own, which would be none: the end, to a client.
func TestHTTPdDirectoryWithHiddenNames(t *testing.T) {
	t.Parallel()
	g, _, c := site(t)
	// A part holds some thirty of these, and the hidden ones come first or last, as the file system has it.
	name := strings.Repeat("n", 250)
	for files := 20; files < 36; files++ {
		dir := fmt.Sprintf("/hidden%d/", files)
		g.File(www+dir+".first", "")
		for i := range files {
			g.File(fmt.Sprintf("%s%s%s%02d", www, dir, name, i), "")
		}
		g.File(www+dir+".last", "")
	}
	for files := 20; files < 36; files++ {
		r := c.Ask("GET", fmt.Sprintf("/hidden%d/", files)).WantStatus(200)
		if got := strings.Count(r.Body, `<li><a href="`+name); got != files || !strings.HasSuffix(r.Body, "</html>\n") {
			t.Fatalf("%d of %d files are listed, and the page ends in %q", got, files, r.Body[max(0, len(r.Body)-100):])
		}
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

func TestHTTPdConditionalRequests(t *testing.T) {
	t.Parallel()
	_, _, c := site(t)
	const file = "/hello.txt"
	for _, field := range []string{
		"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
		"If-Modified-Since: Sun Nov  6 08:49:37 1994", "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
	} {
		wantBody(t, c.Ask("GET", file, field).WantStatus(304), "")
		c.Ask("HEAD", file, field).WantStatus(304)
	}
	for _, fields := range [][]string{
		{"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"}, {"If-Modified-Since: yesterday"},
		{"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", `If-None-Match: "x"`},
	} {
		wantBody(t, c.Ask("GET", file, fields...).WantStatus(200), "Hello, file!\n")
	}
	const (
		same   = "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT"
		before = "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT"
	)
	for _, fields := range [][]string{
		{same}, {"If-Unmodified-Since: yesterday"}, {"If-Match: *"}, {"If-Match: *", before},
	} {
		wantBody(t, c.Ask("GET", file, fields...).WantStatus(200), "Hello, file!\n")
	}
	for _, fields := range [][]string{
		{before}, {before, "Range: bytes=0-4"}, {`If-Match: "x"`}, {`If-Match: "x", "y"`, same}, {before, "If-None-Match: *"},
	} {
		c.Ask("GET", file, fields...).WantStatus(412)
		c.Ask("HEAD", file, fields...).WantStatus(412)
	}
	wantBody(t, c.Ask("GET", file, "If-None-Match: *").WantStatus(304), "")
	// What is not there, or made up for each request, has no condition to meet.
	c.Ask("GET", "/absent", "If-None-Match: *", before).WantStatus(404)
	c.Ask("GET", "/dir/", "If-None-Match: *", before).WantStatus(200)
	wantBody(t, c.Ask("GET", file, same, "Range: bytes=0-4").WantStatus(206), "Hello")
}

// A client that is told of a time to come would ask for what has changed by then in vain.
func TestHTTPdLastModifiedIsNotToCome(t *testing.T) {
	t.Parallel()
	g, _, c := site(t)
	g.FileAt(www+"/tomorrow", "x", time.Now().AddDate(100, 0, 0))
	r := c.Ask("GET", "/tomorrow").WantStatus(200)
	last, err := http.ParseTime(r.Header.Get("Last-Modified"))
	if err != nil {
		t.Fatal(err)
	}
	if date := dated(t, r); last.After(date) {
		t.Errorf("last modified at %v, and now is %v", last, date)
	}
}

func TestHTTPdRanges(t *testing.T) {
	t.Parallel()
	_, _, c := site(t)
	const file = "/hello.txt"
	for _, r := range []struct{ field, body, content string }{
		{"bytes=0-4", "Hello", "bytes 0-4/13"},
		{"bytes=7-", "file!\n", "bytes 7-12/13"},
		{"bytes=-6", "file!\n", "bytes 7-12/13"},
		{"bytes=-99", "Hello, file!\n", "bytes 0-12/13"},
		{"bytes=12-99999999999999999999999", "\n", "bytes 12-12/13"},
	} {
		answer := c.Ask("GET", file, "Range: "+r.field).WantStatus(206)
		wantBody(t, answer, r.body)
		wantField(t, answer, "Content-Range", r.content)
	}
	for _, field := range []string{"bytes=13-", "bytes=-0", "bytes=99-100"} {
		wantField(t, c.Ask("GET", file, "Range: "+field).WantStatus(416), "Content-Range", "bytes */13")
	}
	for _, field := range []string{"bytes=4-0", "bytes=0-1,3-4", "lines=0-1", "bytes=", "bytes=a-b"} {
		wantBody(t, c.Ask("GET", file, "Range: "+field).WantStatus(200), "Hello, file!\n")
	}
	same := "If-Range: " + modified.Format(http.TimeFormat)
	wantBody(t, c.Ask("GET", file, "Range: bytes=0-4", same).WantStatus(206), "Hello")
	wantBody(t, c.Ask("GET", file, "Range: bytes=0-4", `If-Range: "tag"`).WantStatus(200), "Hello, file!\n")
	wantBody(t, c.Ask("GET", file, "Range: bytes=0-4", "If-Range: Wed, 01 Jan 2020 00:00:00 GMT").WantStatus(200), "Hello, file!\n")
	c.Ask("HEAD", file, "Range: bytes=0-4").WantStatus(200)
	c.Ask("GET", "/empty.html", "Range: bytes=0-0").WantStatus(416)
}

// block is of a length that no buffer has.
func block() string {
	var b strings.Builder
	for i := 0; b.Len() < 65521; i++ {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.String()[:65521]
}

func TestHTTPdLargeFile(t *testing.T) {
	t.Parallel()
	g, s, c := site(t)
	const times = 64
	g.FileOf(www+"/large", block(), times)
	want := strings.Repeat(block(), times)
	if r := c.Ask("GET", "/large").WantStatus(200); r.Body != want {
		t.Errorf("the file came as %d bytes, want %d; the content is the same: %t", len(r.Body), len(want), r.Body == want)
	}
	r := c.Ask("GET", "/large", "Range: bytes=1000000-2999999").WantStatus(206)
	if r.Body != want[1000000:3000000] {
		t.Errorf("a range of 2000000 bytes came as %d others", len(r.Body))
	}
	wantBody(t, c.Ask("GET", "/hello.txt").WantStatus(200), "Hello, file!\n")

	// Who does not read is no burden to others, and may leave.
	slow := g.Init().Dial(s.Addr)
	slow.Send("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n")
	wantBody(t, c.Ask("GET", "/hello.txt").WantStatus(200), "Hello, file!\n")
	slow.Reset()
}

// pause lets guest time pass for the connection, without reading from it: longer than its peer may take to acknowledge.
func pause(g *harness.Guest, s *harness.Subject, d time.Duration) {
	other := g.Init().Dial(s.Addr)
	other.Silent(d)
	other.Close()
}

// What comes while a file is on its way waits in the socket, request behind request in the memory of one packet. Each is read when
// its turn has come, and after the last one nothing is.
func TestHTTPdRequestsThatWaitForAFile(t *testing.T) {
	t.Parallel()
	g, s, _ := site(t)
	const times = 200
	g.FileOf(www+"/large", block(), times)
	const next = "GET /dir/sub/x HTTP/1.1\r\nHost: guest\r\n\r\n"
	for _, c := range []struct {
		method, request string
		status          int
		closes          bool
	}{
		{"GET", "GET /hello.txt HTTP/1.1\r\nHost: guest\r\n\r\n", 200, false},
		{"GET", "GET /hello.txt HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n", 200, true},
		{"POST", "POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405, true},
		{"GET", "nonsense\r\n\r\n", 400, true},
	} {
		conn := g.Init().Dial(s.Addr)
		conn.Send("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n")
		pause(g, s, 100*time.Millisecond)
		conn.Send(c.request)
		pause(g, s, 100*time.Millisecond)
		conn.Send(next)
		pause(g, s, 100*time.Millisecond)
		if r := conn.Answer("GET").WantStatus(200); len(r.Body) != times*len(block()) {
			t.Errorf("the large file came as %d bytes", len(r.Body))
		}
		conn.Answer(c.method).WantStatus(c.status)
		if !c.closes {
			wantBody(t, conn.Answer("GET").WantStatus(200), "x")
			conn.Close()
			continue
		}
		conn.Closes()
		conn.Close()
	}
}

// A client may take its last file slowly: as long as it takes some of it, it gets all, FIN or not.
func TestHTTPdSlowReaderOfItsLastFile(t *testing.T) {
	t.Parallel()
	g, s, _ := site(t)
	const times = 6
	g.FileOf(www+"/large", block(), times)
	c := g.Init().Dial(s.Addr)
	c.Send("GET /large HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n")
	pause(g, s, 7*time.Second)
	if r := c.Answer("GET").WantStatus(200); len(r.Body) != times*len(block()) {
		t.Errorf("the file came as %d bytes, want %d", len(r.Body), times*len(block()))
	}
	c.Closes()
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
