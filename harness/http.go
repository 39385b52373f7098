package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Response is an HTTP answer that has passed the wire oracle.
type Response struct {
	g      *Guest
	Status int
	Header http.Header
	Close  bool // it says that the connection ends with it; of [Conn.Answer] only
	Body   string
	Raw    []byte // every byte, as it came
}

// WantStatus fails the test unless the answer has this status code.
func (r *Response) WantStatus(want int) *Response {
	r.g.tb.Helper()
	if r.Status != want {
		r.g.tb.Errorf("status %d, want %d; the body says %q", r.Status, want, r.Body)
	}
	return r
}

// Get asks the address for / on a connection of its own and returns the answer, which must be well-formed and whole, and must end
// with FIN after "Connection: close". The status is the caller's to judge.
func (n *Netns) Get(addr string) *Response {
	n.g.tb.Helper()
	c := n.Dial(addr)
	c.Send("GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: close\r\n\r\n")
	r := c.Response()
	c.Close()
	return r
}

// Response reads one HTTP answer to its end, which is the end of the connection, and checks it.
func (c *Conn) Response() *Response {
	c.g.tb.Helper()
	raw := c.RecvAll()
	r, err := parseResponse(raw)
	if errors.Is(err, errNoConnection) && c.g.stranger != nil {
		err = nil // RFC 9112 only recommends it where the server does close
	}
	if err != nil {
		c.g.wireFinding("%s → %s: %v in answer %q", c.Remote, c.Local, err, clip(raw))
		return &Response{g: c.g, Header: http.Header{}, Raw: raw}
	}
	r.g = c.g
	return r
}

var errNoConnection = errors.New("no Connection field")

// parseResponse is the strict reading of RFC 9112 that the wire oracle holds a server to: a client may be lenient,
// a server has no reason to need it.
func parseResponse(raw []byte) (*Response, error) {
	head, _, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		return nil, fmt.Errorf("no end of the header")
	}
	lengths, err := checkHead(string(head))
	if err != nil {
		return nil, err
	}
	reader := bufio.NewReader(bytes.NewReader(raw))
	parsed, err := http.ReadResponse(reader, nil)
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	defer parsed.Body.Close()
	if lengths != 1 {
		return nil, fmt.Errorf("%d Content-Length fields, want one", lengths)
	}
	want := int(parsed.ContentLength) // net/http has checked it
	body, err := io.ReadAll(parsed.Body)
	if err != nil || len(body) != want {
		return nil, fmt.Errorf("%d bytes of body, Content-Length says %d", len(body), want)
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes after the end of the body", len(rest))
	}
	// net/http moves Connection: close into the Close field.
	if parsed.Header.Get("Connection") == "" && !parsed.Close {
		err = errNoConnection
	}
	return &Response{Status: parsed.StatusCode, Header: parsed.Header, Body: string(body), Raw: raw}, err
}

// checkHead checks the lines of a head and counts its Content-Length fields: net/http folds those that agree.
func checkHead(head string) (lengths int, err error) {
	for i, line := range strings.Split(head, "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			return 0, fmt.Errorf("bare CR or LF in header line %d", i+1)
		}
		name, _, ok := strings.Cut(line, ":")
		if i > 0 && (!ok || name == "" || strings.ContainsAny(name, " \t")) {
			return 0, fmt.Errorf("malformed header line %q", line)
		}
		if strings.EqualFold(name, "Content-Length") {
			lengths++
		}
	}
	return lengths, nil
}
