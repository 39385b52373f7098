package load

import (
	"bytes"
	"fmt"
)

// httpHead is what a client needs to know of an answer's header.
type httpHead struct {
	status  int
	length  int64 // -1: not given
	chunked bool
	close   bool // the server closes the connection behind the answer
}

// notHTTP is what is wrong with bytes that are something else.
const notHTTP = "no status line of HTTP/1"

// startsHTTP reports whether bytes are, or may become, a status line.
func startsHTTP(text []byte) bool {
	const start = "HTTP/1."
	n := min(len(text), len(start))
	return string(text[:n]) == start[:n]
}

// readHead reads a status line and the fields after it, without the empty line at the end. It is strict: a server has no reason
// to need a lenient client.
func readHead(head []byte) (f httpHead, why string) {
	f.length = -1
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	minor, why := f.statusLine(line)
	if why != "" {
		return f, why
	}
	f.close = minor == 0
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if why := f.field(line); why != "" {
			return f, why
		}
	}
	if f.chunked && f.length >= 0 {
		return f, "both Content-Length and Transfer-Encoding"
	}
	return f, ""
}

// statusLine reads the first line: HTTP/1.1 200 OK.
func (f *httpHead) statusLine(line []byte) (minor byte, why string) {
	const shape = "HTTP/1.x 999"
	if len(line) < len(shape) || string(line[:7]) != "HTTP/1." || line[8] != ' ' || (len(line) > len(shape) && line[12] != ' ') {
		return 0, notHTTP
	}
	minor = line[7] - '0'
	status, ok := number(line[9:12], 10)
	if minor > 9 || !ok || status < 100 {
		return 0, notHTTP
	}
	if bytes.ContainsAny(line, "\r\n") {
		return 0, "a bare CR or LF in the status line"
	}
	f.status = int(status)
	return minor, ""
}

// field reads one field.
func (f *httpHead) field(line []byte) (why string) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t\r\n") || bytes.ContainsAny(value, "\r\n") {
		return fmt.Sprintf("malformed header line %.80q", line)
	}
	value = bytes.Trim(value, " \t")
	switch len(name) {
	case len("Connection"):
		if equalFold(name, "connection") {
			if equalFold(value, "close") {
				f.close = true
			} else if equalFold(value, "keep-alive") {
				f.close = false
			}
		}
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			n, ok := number(value, 10)
			if !ok {
				return fmt.Sprintf("Content-Length %.80q", value)
			}
			if f.length >= 0 {
				return "more than one Content-Length"
			}
			f.length = n
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			if !equalFold(value, "chunked") {
				return fmt.Sprintf("Transfer-Encoding %.80q was not asked for", value)
			}
			f.chunked = true
		}
	}
	return ""
}

// equalFold compares with lower-case ASCII, and does not allocate.
func equalFold(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// number reads digits and nothing else.
func number(text []byte, base int64) (n int64, ok bool) {
	for _, c := range text {
		var d int64
		switch {
		case '0' <= c && c <= '9':
			d = int64(c - '0')
		case base == 16 && 'a' <= c|0x20 && c|0x20 <= 'f':
			d = int64(c|0x20-'a') + 10
		default:
			return 0, false
		}
		if n > (1<<62)/base {
			return 0, false
		}
		n = n*base + d
	}
	return n, len(text) > 0
}

// chunkLine reads a line of a chunked body: a size, the empty line behind a chunk, or a trailer.
func (s *httpState) chunkLine(line []byte) (why string) {
	switch s.phase {
	case inChunkSize:
		digits, _, _ := bytes.Cut(line, []byte(";"))
		n, ok := number(bytes.TrimRight(digits, " \t"), 16)
		switch {
		case !ok:
			return fmt.Sprintf("chunk size %.80q", line)
		case n == 0:
			s.phase = inTrailer
		default:
			s.phase, s.left = inChunk, n
		}
	case inChunkEnd:
		if len(line) > 0 {
			return "a chunk is longer than its size"
		}
		s.phase = inChunkSize
	case inTrailer:
		if len(line) == 0 {
			s.phase, s.left = inBody, 0 // there is nothing more
		}
	}
	return ""
}
