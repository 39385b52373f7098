package serve

import (
	"bytes"
	"fmt"
	"io"

	"ktcp/guest/wire"
)

// Warm serves a request as if it had come from the host, and throws the answer away. The code and data that the first
// real one needs are then in memory, and in the template that clones are made from. It must be called before Run.
func (s *Server) Warm(request wire.Frame) error {
	var from bytes.Buffer
	if err := wire.WriteFrame(&from, request); err != nil {
		return err
	}
	s.in.Reset(&from) // with the buffer that requests will be read into
	defer s.in.Reset(s.port)
	f, err := wire.ReadFrame(s.in)
	if err != nil {
		return err
	}
	body, err := s.call(f)
	if err != nil {
		return fmt.Errorf("warm up %s: %w", f.Op, err)
	}
	return wire.WriteFrame(io.Discard, wire.Frame{ID: f.ID, Body: body})
}
