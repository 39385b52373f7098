package harness

import (
	"strings"
	"testing"
)

func TestParseResponseIsStrict(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
	if r, err := parseResponse([]byte(good)); err != nil || r.Status != 200 || r.Body != "abc" || string(r.Raw) != good {
		t.Fatalf("a good response: %+v, %v", r, err)
	}
	for name, c := range map[string]struct{ raw, want string }{
		"empty":           {"", "no end of the header"},
		"bare LF":         {"HTTP/1.1 200 OK\nContent-Length: 0\r\nConnection: close\r\n\r\n", "bare CR or LF"},
		"only LF":         {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "no end of the header"},
		"bare CR":         {"HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "bare CR or LF"},
		"short body":      {strings.TrimSuffix(good, "c"), "2 bytes of body"},
		"long body":       {good + "d", "1 bytes after the end"},
		"no length":       {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", "0 Content-Length fields"},
		"two lengths":     {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "2 Content-Length fields"},
		"no connection":   {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "no Connection field"},
		"space in name":   {"HTTP/1.1 200 OK\r\nContent-Length : 3\r\nConnection: close\r\n\r\nabc", "malformed header line"},
		"no status":       {"HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "read response"},
		"negative length": {"HTTP/1.1 200 OK\r\nContent-Length: -3\r\nConnection: close\r\n\r\nabc", "read response"},
		"answer twice":    {good + good, "after the end of the body"},
	} {
		if _, err := parseResponse([]byte(c.raw)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
