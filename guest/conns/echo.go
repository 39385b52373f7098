package conns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// fillQuiet is how long a connection must take nothing more before it counts as full.
const fillQuiet = 300 * time.Millisecond

// echo is what a connection has sent to a server that sends it back. The bytes depend on the connection and on
// their place in the stream: one that is lost, repeated, or belongs to another connection, is seen.
type echo struct {
	seed      uint64
	sent, got int64
}

// fill writes the stream's bytes from offset on to p: all values, zeros and newlines among them.
func (e *echo) fill(p []byte, offset int64) {
	var block [8]byte
	for i := range p {
		at := uint64(offset) + uint64(i)
		if i == 0 || at%8 == 0 {
			x := (e.seed<<32 ^ at/8) * 0x9e3779b97f4a7c15
			x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
			binary.LittleEndian.PutUint64(block[:], x^x>>27)
		}
		p[i] = block[at%8]
	}
}

// Echo sends bytes and, at the same time, receives those that come back, and compares them. Everything that the connection has
// to say is in the answer; an error is one of the request.
func (t *Table) Echo(req wire.EchoRequest) (wire.EchoAnswer, error) {
	c, done, err := t.get(req.Conn)
	if err != nil {
		return wire.EchoAnswer{}, err
	}
	defer done()
	if req.Send < 0 && req.Receive {
		return wire.EchoAnswer{}, fmt.Errorf("echo: fill and receive at once: %w", unix.EINVAL)
	}
	c.echoes.Lock()
	defer c.echoes.Unlock()
	e := &c.echo
	e.seed = req.Conn
	target := e.sent + req.Send // what is to come back in all
	var sendError error
	sending := make(chan struct{})
	sent := e.sent
	go func() {
		defer close(sending)
		sent, sendError = c.echoSend(req, sent)
	}()
	answer := wire.EchoAnswer{Differs: -1}
	if req.Receive {
		c.echoReceive(req, target, &answer)
	}
	if answer.Reset || answer.EOF || answer.Errno != 0 {
		_ = unix.Shutdown(c.fd, unix.SHUT_WR) // so that sending ends
	}
	<-sending
	answer.Sent, e.sent = sent-e.sent, sent
	var errno unix.Errno
	switch {
	case sendError == nil:
	case errors.Is(sendError, os.ErrDeadlineExceeded):
		answer.TimedOut = true
	case errors.Is(sendError, unix.ECONNRESET):
		answer.Reset = true
	case errors.As(sendError, &errno):
		if answer.Errno == 0 && !answer.Reset && !answer.EOF {
			answer.Errno = int(errno)
		}
	default:
		return wire.EchoAnswer{}, sendError
	}
	return answer, nil
}

// echoSend sends the bytes that are asked for, or, if that is -1, as many as fit. It returns where in the stream it stopped.
func (c *conn) echoSend(req wire.EchoRequest, from int64) (int64, error) {
	piece := req.Piece
	if piece <= 0 {
		piece = recvChunk
	}
	timeout := req.Timeout
	if req.Send < 0 {
		timeout = fillQuiet
	}
	buf := make([]byte, piece)
	at := from
	deadline := deadlineAfter(timeout) // moves with progress
	for req.Send < 0 || at < from+req.Send {
		chunk := buf
		if req.Send >= 0 {
			chunk = buf[:min(int64(piece), from+req.Send-at)]
		}
		c.echo.fill(chunk, at)
		n, err := unix.SendmsgN(c.fd, chunk, nil, nil, unix.MSG_NOSIGNAL)
		switch err {
		case nil:
			at += int64(n)
			deadline = deadlineAfter(timeout)
		case unix.EINTR:
		case unix.EAGAIN:
			err = c.wait(unix.POLLOUT, deadline)
			if req.Send < 0 && errors.Is(err, os.ErrDeadlineExceeded) {
				return at, nil
			}
		}
		if err != nil && err != unix.EINTR {
			return at, err
		}
	}
	if !req.HalfClose {
		return at, nil
	}
	return at, unix.Shutdown(c.fd, unix.SHUT_WR)
}

// echoReceive receives up to the byte target of the stream, and after a half-close also the end.
func (c *conn) echoReceive(req wire.EchoRequest, target int64, answer *wire.EchoAnswer) {
	e := &c.echo
	buf := make([]byte, recvChunk)
	want := make([]byte, recvChunk)
	deadline := deadlineAfter(req.Timeout) // moves with progress
	for e.got < target || req.HalfClose {
		n, err := unix.Read(c.fd, buf)
		if err == unix.EAGAIN {
			err = c.wait(unix.POLLIN, deadline)
			n = -1
		}
		var errno unix.Errno
		switch {
		case err == unix.EINTR:
		case errors.Is(err, os.ErrDeadlineExceeded):
			answer.TimedOut = true
			return
		case err == unix.ECONNRESET:
			answer.Reset = true
			return
		case errors.As(err, &errno):
			answer.Errno = int(errno)
			return
		case err != nil: // closed meanwhile
			answer.Errno = int(unix.EBADF)
			return
		case n == 0:
			answer.EOF = true
			return
		case n > 0:
			deadline = deadlineAfter(req.Timeout)
			e.fill(want[:n], e.got)
			for i := range n {
				if answer.Differs < 0 && (buf[i] != want[i] || e.got+int64(i) >= target) {
					answer.Differs = e.got + int64(i)
				}
			}
			e.got += int64(n)
			answer.Received += int64(n)
		}
	}
}
