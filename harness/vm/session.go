package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"ktcp/guest/wire"
)

// portName is the port as the guest knows it.
const portName = wire.Port

// session carries requests and answers over the agent's port. Requests may be made at once by many; each has
// an ID of its own, and an answer that comes after its request was given up is dropped.
type session struct {
	conn net.Conn
	out  chan wire.Frame // to the writer

	ready    chan wire.Ready // takes the guest's first frame
	broken   chan struct{}   // closed when the port cannot be used any more although QEMU runs
	brokenBy error           // read it after broken
	once     sync.Once

	stop chan struct{}
	wg   sync.WaitGroup

	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan wire.Frame
}

// newSession starts the session's two goroutines; close ends them.
func newSession(conn net.Conn) *session {
	s := &session{
		conn:    conn,
		out:     make(chan wire.Frame),
		ready:   make(chan wire.Ready, 1),
		broken:  make(chan struct{}),
		stop:    make(chan struct{}),
		pending: map[uint64]chan wire.Frame{},
	}
	s.wg.Go(s.write)
	s.wg.Go(s.read)
	return s
}

// close ends the session. Requests that wait must be ended by their own means.
func (s *session) close() {
	close(s.stop)
	_ = s.conn.Close()
	s.wg.Wait()
}

// write sends frames one after another. A guest that does not read stops it in the middle of a frame; that frame is
// then finished when the guest reads again, since half a frame would put the stream out of step.
func (s *session) write() {
	for {
		select {
		case f := <-s.out:
			if err := wire.WriteFrame(s.conn, f); err != nil {
				return // QEMU is gone, which is told elsewhere
			}
		case <-s.stop:
			return
		}
	}
}

// read takes frames to those who wait for them.
func (s *session) read() {
	in := bufio.NewReaderSize(s.conn, 64<<10)
	for {
		f, err := wire.ReadFrame(in)
		if err != nil {
			if isProtocolError(err) {
				s.fail(fmt.Errorf("%w: %w", ErrProtocol, err))
			}
			return
		}
		if f.ID == 0 {
			var r wire.Ready
			if err := json.Unmarshal(f.Body, &r); err != nil {
				s.fail(fmt.Errorf("%w: decode ready: %w", ErrProtocol, err))
				return
			}
			select {
			case s.ready <- r:
			default: // a second one tells nothing new
			}
			continue
		}
		s.mu.Lock()
		waiting, ok := s.pending[f.ID]
		delete(s.pending, f.ID)
		s.mu.Unlock()
		if ok {
			waiting <- f
		}
	}
}

// isProtocolError tells a frame that makes no sense from a port that ended, between frames or within one.
func isProtocolError(err error) bool {
	var ended net.Error // of a connection that either side closed
	return !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &ended)
}

// fail marks the session as unusable.
func (s *session) fail(err error) {
	s.once.Do(func() {
		s.brokenBy = err
		close(s.broken)
	})
}

// call sends a request and waits for its answer, until ctx or dead ends. It returns nil without an error when dead
// ended first.
func (s *session) call(ctx context.Context, dead <-chan struct{}, op string, body json.RawMessage) (*wire.Frame, error) {
	answer := make(chan wire.Frame, 1)
	s.mu.Lock()
	s.last++
	id := s.last
	s.pending[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.pending, id)
		s.mu.Unlock()
	}()
	select {
	case s.out <- wire.Frame{ID: id, Op: op, Body: body}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.broken:
		return nil, s.brokenBy
	case <-dead:
		return nil, nil
	}
	select {
	case f := <-answer:
		return &f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.broken:
		return nil, s.brokenBy
	case <-dead:
		select {
		case f := <-answer: // its last words
			return &f, nil
		default:
			return nil, nil
		}
	}
}
