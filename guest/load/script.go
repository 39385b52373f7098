package load

import (
	"fmt"
)

// script is what a client says: requests that repeat in a circle. They lie one behind the other, and the first ones once more
// at the end, so that as many as a client may have under way are one piece of memory wherever it is in the circle.
type script struct {
	bytes []byte
	at    []int // where each request begins, and where the last ends
	n     int
}

// newScript returns a script of which pipeline requests are sent at once.
func newScript(pipeline int, requests ...[]byte) *script {
	s := &script{n: len(requests), at: []int{0}}
	for i := range len(requests) + pipeline {
		s.bytes = append(s.bytes, requests[i%s.n]...)
		s.at = append(s.at, len(s.bytes))
	}
	return s
}

// piece returns k requests from the i-th on.
func (s *script) piece(i, k int) []byte { return s.bytes[s.at[i]:s.at[i+k]] }

const (
	// variety is how many different messages there are, and varietyRoom what they may take together: bytes that come back
	// to the wrong client, or late, must be seen as wrong.
	variety     = 61
	varietyRoom = 1 << 20
)

// messages returns messages to be echoed: printable, each a line, and no two of them alike where the size allows it.
func messages(size int) [][]byte {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	n := max(2, min(variety, varietyRoom/size))
	all := make([][]byte, n)
	for i := range all {
		m := make([]byte, size)
		for j := range m {
			m[j] = alphabet[(i+j+j/len(alphabet)*7)%len(alphabet)]
		}
		if size > 1 {
			m[size-1] = '\n'
		}
		all[i] = m
	}
	return all
}

// httpRequests returns a GET for each path.
func httpRequests(s Spec) [][]byte {
	paths := s.Paths
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	host := s.Host
	if host == "" {
		host = s.Addr
	}
	fields := "Host: " + host + "\r\n"
	if !s.KeepAlive {
		fields += "Connection: close\r\n"
	}
	all := make([][]byte, len(paths))
	for i, path := range paths {
		all[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\n%s\r\n", path, fields)
	}
	return all
}
