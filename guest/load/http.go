package load

import (
	"bytes"
	"fmt"
)

// maxHead bounds the header of an answer, and maxKnown the answers that are kept to compare others with.
const (
	maxHead  = 64 << 10
	maxKnown = recvBuffer
)

// httpAnswers judges HTTP answers. Most answers to a request are the same bytes: one that equals the last that was read and found
// right needs no reading. It belongs to one worker.
type httpAnswers struct {
	expect []byte // the body; nil means any
	closes bool   // the request said Connection: close
	known  []knownAnswer
}

type knownAnswer struct {
	bytes  []byte
	status int
	last   bool
}

func newHTTPAnswers(p *plan) *httpAnswers {
	h := &httpAnswers{closes: !p.KeepAlive, known: make([]knownAnswer, p.script.n)}
	if len(p.Expect) > 0 {
		h.expect = p.Expect
	}
	return h
}

// phase is where in an answer the next byte is.
type phase int8

const (
	inHead phase = iota
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
	untilEnd
)

// httpState is how far a client has read the answer that comes next.
type httpState struct {
	phase  phase
	last   bool   // the server closes behind it
	status int    // of the last whole answer, or this one
	left   int64  // of the body or of a chunk
	body   int    // bytes of the body so far, where it is compared
	line   []byte // of what is read as a whole: the header, the size of a chunk, a trailer
}

// reset forgets an answer that was begun.
func (s *httpState) reset() { s.phase, s.line, s.body = inHead, s.line[:0], 0 }

func (h *httpAnswers) take(c *client, part []byte) (int, verdict) {
	known := &h.known[c.asks]
	if n := len(known.bytes); n > 0 && c.got == 0 && bytes.HasPrefix(part, known.bytes) {
		c.http.status = known.status
		return n, verdictOf(known.last)
	}
	n, v := h.read(c, part)
	if (v == whole || v == wholeLast) && c.got == 0 && n <= maxKnown {
		known.bytes = append(known.bytes[:0], part[:n]...)
		known.status, known.last = c.http.status, v == wholeLast
	}
	return n, v
}

func verdictOf(last bool) verdict {
	if last {
		return wholeLast
	}
	return whole
}

func (h *httpAnswers) end(c *client) verdict {
	if c.http.phase == untilEnd && (h.expect == nil || c.http.body == len(h.expect)) {
		return whole
	}
	return partial
}

func (h *httpAnswers) good(c *client) bool {
	if c.http.status >= 200 && c.http.status < 400 {
		return true
	}
	c.why = fmt.Sprintf("status %d", c.http.status)
	return false
}

// read reads a part of an answer.
func (h *httpAnswers) read(c *client, part []byte) (n int, v verdict) {
	s := &c.http
	for n < len(part) {
		rest := part[n:]
		switch s.phase {
		case inHead:
			head, k, found := s.upTo(rest, "\r\n\r\n")
			n += k
			if !found {
				if !startsHTTP(s.line) {
					c.why = notHTTP
					return n, malformed
				}
				return n, h.unfinished(c, maxHead)
			}
			if c.why = h.begin(s, head); c.why != "" {
				return n, malformed
			}
			s.line = s.line[:0]
		case inBody, inChunk, untilEnd:
			k := len(rest)
			if s.phase != untilEnd {
				k = int(min(int64(k), s.left))
			}
			if !h.compare(c, rest[:k]) {
				return n, malformed
			}
			s.left -= int64(k)
			n += k
			if s.phase == inChunk && s.left == 0 {
				s.phase = inChunkEnd
			}
		default:
			line, k, found := s.upTo(rest, "\r\n")
			n += k
			if !found {
				return n, h.unfinished(c, maxHead)
			}
			if c.why = s.chunkLine(line); c.why != "" {
				return n, malformed
			}
			s.line = s.line[:0]
		}
		if s.phase == inBody && s.left == 0 {
			return n, h.finish(c)
		}
	}
	return n, partial
}

// unfinished bounds what is read as a whole.
func (h *httpAnswers) unfinished(c *client, limit int) verdict {
	if len(c.http.line) > limit {
		c.why = fmt.Sprintf("more than %d bytes of header", limit)
		return malformed
	}
	return partial
}

// finish ends an answer.
func (h *httpAnswers) finish(c *client) verdict {
	if h.expect != nil && c.http.body != len(h.expect) {
		c.why = fmt.Sprintf("a body of %d bytes, want %d", c.http.body, len(h.expect))
		return malformed
	}
	last := c.http.last || h.closes
	c.http.reset()
	return verdictOf(last)
}

// compare holds a part of the body against what is expected.
func (h *httpAnswers) compare(c *client, part []byte) bool {
	if h.expect == nil {
		return true
	}
	at := c.http.body
	if at+len(part) > len(h.expect) || !bytes.Equal(part, h.expect[at:at+len(part)]) {
		c.why = fmt.Sprintf("another body than expected, from byte %d of it", at)
		return false
	}
	c.http.body += len(part)
	return true
}

// upTo returns what lies before the first mark, which may have begun in an earlier part, and how many bytes of rest that and
// the mark take.
func (s *httpState) upTo(rest []byte, mark string) (text []byte, n int, found bool) {
	if len(s.line) == 0 {
		if i := bytes.Index(rest, []byte(mark)); i >= 0 {
			return rest[:i], i + len(mark), true
		}
		s.line = append(s.line, rest...)
		return nil, len(rest), false
	}
	before := len(s.line)
	s.line = append(s.line, rest...)
	from := max(0, before-len(mark)+1)
	i := bytes.Index(s.line[from:], []byte(mark))
	if i < 0 {
		return nil, len(rest), false
	}
	return s.line[:from+i], from + i + len(mark) - before, true
}

// begin acts on a header. It returns what is wrong with it.
func (h *httpAnswers) begin(s *httpState, head []byte) string {
	f, why := readHead(head)
	if why != "" {
		return why
	}
	if f.status/100 == 1 {
		return "" // an interim answer: the real one follows
	}
	s.status, s.last, s.left = f.status, f.close, f.length
	switch {
	case f.status == 204 || f.status == 304:
		s.phase, s.left = inBody, 0
	case f.chunked:
		s.phase = inChunkSize
	case f.length >= 0:
		s.phase = inBody
	case f.close || h.closes:
		s.phase = untilEnd
	default:
		return "neither Content-Length nor chunks on a connection that stays open"
	}
	return ""
}
