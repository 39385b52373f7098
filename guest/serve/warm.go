package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"ktcp/guest/wire"
)

// Warm serves an empty request for each of the operations named, as if it had come from the host, and throws the
// answers away. What code and data a first request needs is then in memory, and in the template that clones are made from.
func (s *Server) Warm(ops ...string) error {
	var requests bytes.Buffer
	for _, op := range ops {
		if err := wire.WriteFrame(&requests, wire.Frame{ID: 1, Op: op, Body: []byte("{}")}); err != nil {
			return err
		}
	}
	in := bufio.NewReader(&requests)
	for range ops {
		f, err := wire.ReadFrame(in)
		if err != nil {
			return err
		}
		body, err := s.call(f)
		if err != nil {
			return fmt.Errorf("warm up %s: %w", f.Op, err)
		}
		if err := wire.WriteFrame(io.Discard, wire.Frame{ID: f.ID, Body: body}); err != nil {
			return err
		}
	}
	return nil
}
