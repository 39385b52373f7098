package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

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
	// More of them than are looked at for one part.
	const most = 300
	for i := range most {
		g.File(fmt.Sprintf("%s/hidden/.%03d", www, i), "")
	}
	g.File(www+"/hidden/shown", "")
	if r := c.Ask("GET", "/hidden/").WantStatus(200); !strings.Contains(r.Body, `"shown"`) || !strings.HasSuffix(r.Body, "</html>\n") {
		t.Fatalf("a file among %d hidden ones is not listed: the page ends in %q", most, r.Body[max(0, len(r.Body)-100):])
	}
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
