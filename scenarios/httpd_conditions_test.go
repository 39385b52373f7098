package scenarios

import (
	"net/http"
	"testing"
	"time"
)

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
