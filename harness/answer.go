package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// Answer reads one HTTP answer, to a request with that method, from a connection that goes on. What comes behind it is left to
// the next call. The answer must be well-formed and say where it ends; one that says that the connection
// closes ends with it, and [Conn.Closes] tells whether it did.
func (c *Conn) Answer(method string) *Response {
	c.g.tb.Helper()
	var answer wire.RecvAnswer
	began := time.Now()
	for {
		r, used, err := nextResponse(c.ahead, method, answer.EOF)
		switch {
		case err == nil:
			r.g = c.g
			c.ahead = c.ahead[used:]
			return r
		case !errors.Is(err, errIncomplete) || answer.EOF || answer.Reset || answer.TimedOut || answer.Errno != 0:
			c.g.wireFinding("%s → %s: %v, then %s, in answer %q", c.Remote, c.Local, err, c.g.ending(answer), clip(c.ahead))
			return &Response{g: c.g, Header: http.Header{}, Raw: c.ahead}
		}
		if err := endless(len(c.ahead), time.Since(began), c.g.patience()); err != nil {
			c.g.wireFinding("%s → %s: %v, of which the beginning is %q", c.Remote, c.Local, err, clip(c.ahead))
			return &Response{g: c.g, Header: http.Header{}, Raw: c.ahead}
		}
		answer = call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: max(1, missing(c.ahead)), Timeout: c.g.patience()})
		c.ahead = append(c.ahead, answer.Data...)
	}
}

// Ask sends a request with these further lines of its header and returns the answer.
func (c *Conn) Ask(method, target string, fields ...string) *Response {
	c.g.tb.Helper()
	request := method + " " + target + " HTTP/1.1\r\nHost: guest\r\n"
	for _, f := range fields {
		request += f + "\r\n"
	}
	c.Send(request + "\r\n")
	return c.Answer(method)
}

// Closes fails the test unless the server closes the connection now, with FIN, and sends nothing more.
func (c *Conn) Closes() {
	c.g.tb.Helper()
	if rest := slices.Concat(c.ahead, c.RecvAll()); len(rest) > 0 {
		c.g.wireFinding("%s → %s: %q came where the connection should end", c.Remote, c.Local, clip(rest))
	}
}

var errIncomplete = errors.New("the answer is not whole")

// missing returns how many bytes of a body are still to come, as far as the head says so.
func missing(raw []byte) int {
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		return 0
	}
	parsed, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...))), nil)
	if err != nil {
		return 0
	}
	defer parsed.Body.Close()
	return int(min(parsed.ContentLength-int64(len(body)), 1<<20))
}

// nextResponse parses the answer that raw begins with and returns how long it is. ended tells that nothing follows.
func nextResponse(raw []byte, method string, ended bool) (r *Response, used int, err error) {
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		return nil, 0, errIncomplete
	}
	lengths, err := checkHead(string(head))
	if err != nil {
		return nil, 0, err
	}
	source := bytes.NewReader(raw)
	reader := bufio.NewReader(source)
	parsed, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		return nil, 0, fmt.Errorf("read response: %w", err)
	}
	defer parsed.Body.Close()
	r = &Response{Status: parsed.StatusCode, Header: parsed.Header, Close: saysClose(string(head))}
	if method == http.MethodHead || r.Status < 200 || r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
		r.Raw = raw[:len(raw)-len(body)]
		return r, len(r.Raw), nil
	}
	chunked := len(parsed.TransferEncoding) > 0
	switch {
	case lengths == 0 && !chunked && !saysClose(string(head)):
		return nil, 0, errors.New("nothing says where the body ends")
	case lengths > 1, lengths == 1 && chunked:
		return nil, 0, fmt.Errorf("%d Content-Length fields, chunked: %t: want one of both", lengths, chunked)
	case lengths == 0 && !chunked && !ended:
		return nil, 0, errIncomplete
	}
	content, err := io.ReadAll(parsed.Body)
	if err != nil && strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()) { // of the trailer it is another one
		return nil, 0, errIncomplete
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read body: %w", err)
	}
	r.Body = string(content)
	used = len(raw) - source.Len() - reader.Buffered()
	r.Raw = raw[:used]
	return r, used, nil
}

// saysClose tells whether a head announces the end of the connection: net/http also takes the lack of a length for that.
func saysClose(head string) bool {
	return strings.Contains(strings.ToLower(head), "\r\nconnection: close")
}

// An answer that is not whole by then has no end, however patient the client is. The largest that a scenario asks for is a fifth of this.
const (
	mostOfReply     = 64 << 20 // bytes
	mostOfPatiences = 20       // of wall time
)

// endless is the error that an answer, of which so many bytes came within that time, has no end.
func endless(bytes int, took, patience time.Duration) error {
	switch {
	case bytes > mostOfReply:
		return fmt.Errorf("an answer without end: %d bytes came", bytes)
	case took > mostOfPatiences*patience:
		return fmt.Errorf("an answer without end: after %v it is not whole, with %d bytes", took.Round(time.Second), bytes)
	}
	return nil
}

// RecvReset reads until the connection ends and fails the test unless it ends with RST. It returns how many bytes came.
func (c *Conn) RecvReset() (got int) {
	c.g.tb.Helper()
	began := time.Now()
	for {
		answer := call(c.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: -1, Timeout: c.g.patience()})
		got += len(answer.Data)
		switch {
		case answer.Reset:
			return got
		case answer.EOF || answer.TimedOut || answer.Errno != 0:
			c.g.wireFinding("%s → %s: after %d bytes %s, want RST", c.Remote, c.Local, got, c.g.ending(answer))
			return got
		}
		if err := endless(got, time.Since(began), c.g.patience()); err != nil {
			c.g.wireFinding("%s → %s: %v, want RST", c.Remote, c.Local, err)
			return got
		}
	}
}
