package harness

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNextResponse(t *testing.T) {
	const (
		sized   = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
		chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
		closed  = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"
		headed  = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
		empty   = "HTTP/1.1 304 Not Modified\r\n\r\n"
		goOn    = "HTTP/1.1 100 Continue\r\n\r\n"
	)
	for name, c := range map[string]struct {
		raw, method string
		ended       bool
		body        string
	}{
		"sized":     {sized, "GET", false, "abc"},
		"chunked":   {chunked, "GET", false, "abc"},
		"closed":    {closed, "GET", true, "abc"},
		"HEAD":      {headed, "HEAD", false, ""},
		"304":       {empty, "GET", false, ""},
		"100":       {goOn, "POST", false, ""},
		"to an end": {sized, "GET", true, "abc"},
	} {
		for _, behind := range []string{"", sized} {
			if c.ended && behind != "" {
				continue
			}
			r, used, err := nextResponse([]byte(c.raw+behind), c.method, c.ended)
			if err != nil || r.Body != c.body || used != len(c.raw) || string(r.Raw) != c.raw {
				t.Errorf("%s: %+v, %d bytes, %v; want %q and %d bytes", name, r, used, err, c.body, len(c.raw))
			}
		}
		for at := range len(c.raw) {
			if _, _, err := nextResponse([]byte(c.raw[:at]), c.method, false); !errors.Is(err, errIncomplete) {
				t.Errorf("%s, %d bytes of it: %v, want that it is not whole", name, at, err)
			}
		}
	}
}

func TestNextResponseIsStrict(t *testing.T) {
	for name, c := range map[string]struct{ raw, want string }{
		"two lengths":  {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "2 Content-Length"},
		"both lengths": {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunked: true"},
		"no end":       {"HTTP/1.1 200 OK\r\n\r\nabc", "where the body ends"},
		"bare LF":      {"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "bare CR or LF"},
		"bad chunk":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "read body"},
	} {
		if _, _, err := nextResponse([]byte(c.raw), "GET", true); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestAnswerWithoutEnd(t *testing.T) {
	for _, tt := range []struct {
		bytes int
		took  time.Duration
		ends  bool
	}{
		{mostOfReply, mostOfPatiences * Patience, true},
		{mostOfReply + 1, 0, false},
		{0, mostOfPatiences*Patience + 1, false},
	} {
		if err := endless(tt.bytes, tt.took, Patience); (err == nil) != tt.ends {
			t.Errorf("%d bytes in %v: %v", tt.bytes, tt.took, err)
		}
	}
}
