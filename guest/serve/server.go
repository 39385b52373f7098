package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"ktcp/guest/thread"
	"ktcp/guest/wire"
)

// ErrUnknownOp is answered to a request for an operation that is not registered.
var ErrUnknownOp = errors.New("unknown operation")

// readBuffer holds several of the driver's pages, so that a small request costs one read(2).
const readBuffer = 64 << 10

// Server serves one port.
type Server struct {
	table Table
	port  io.ReadWriter
	in    *bufio.Reader // reads port

	begin, end func() // of a request

	mu sync.Mutex // serializes answers

	failed chan error // the first error of a writer; Run returns it
}

// New returns a server that reads requests from port and writes answers to it.
func New(port io.ReadWriter, table Table) *Server {
	nothing := func() {}
	return &Server{
		table: table, port: port, in: bufio.NewReaderSize(port, readBuffer), failed: make(chan error, 1), begin: nothing, end: nothing,
	}
}

// Around has begin called when a request has come, and end when its answer has been sent.
func (s *Server) Around(begin, end func()) { s.begin, s.end = begin, end }

// Ready tells the host that requests are read from now on.
func (s *Server) Ready(r wire.Ready) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode ready: %w", err)
	}
	return s.write(wire.Frame{Body: body})
}

// Run serves until the port cannot be read or written any more and returns why: io.EOF at the port's end.
func (s *Server) Run() error {
	for {
		f, err := wire.ReadFrame(s.in)
		if err != nil {
			return err
		}
		s.begin()
		if s.table[f.Op].inline {
			body, err := s.call(f)
			s.answer(f, body, err)
		} else {
			go s.serve(f)
		}
		select {
		case err := <-s.failed:
			return err
		default:
		}
	}
}

// serve serves one request on a thread of its own: the kernel may end it with an oops, and that is an answer too.
func (s *Server) serve(f wire.Frame) {
	var body []byte
	err := thread.Run(func() (reuse bool, err error) {
		body, err = s.call(f)
		return true, err
	})
	if err == thread.ErrKilled { // not that of a thread further down, which says more
		err = fmt.Errorf("%s: %w", f.Op, err)
	}
	s.answer(f, body, err)
}

// answer sends the answer to one request.
func (s *Server) answer(f wire.Frame, body []byte, err error) {
	defer s.end()
	answer := wire.Frame{ID: f.ID, Body: body, Err: wire.NewError(err)}
	if err := s.write(answer); err != nil {
		select {
		case s.failed <- err:
		default:
		}
	}
}

// call runs the operation's handler and turns a panic into an error with its stack.
func (s *Server) call(f wire.Frame) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			body, err = nil, fmt.Errorf("agent: %s: panic: %v\n%s", f.Op, p, debug.Stack())
		}
	}()
	e, ok := s.table[f.Op]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownOp, f.Op)
	}
	return e.serve(f.Body)
}

func (s *Server) write(f wire.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return wire.WriteFrame(s.port, f)
}
