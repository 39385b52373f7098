package conns

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Send writes all of the data. Its error tells how much the kernel had taken.
func (t *Table) Send(req wire.SendRequest) (wire.None, error) {
	c, done, err := t.get(req.Conn)
	if err != nil {
		return wire.None{}, err
	}
	defer done()
	deadline := deadlineAfter(req.Timeout)
	for sent := 0; sent < len(req.Data); {
		n, err := unix.SendmsgN(c.fd, req.Data[sent:], nil, nil, unix.MSG_NOSIGNAL)
		switch err {
		case nil:
			sent += n
		case unix.EINTR:
		case unix.EAGAIN:
			err = c.wait(unix.POLLOUT, deadline)
		}
		if err != nil && err != unix.EINTR {
			return wire.None{}, fmt.Errorf("send, after %d of %d bytes: %w", sent, len(req.Data), err)
		}
	}
	return wire.None{}, nil
}

const (
	defaultMax = 1 << 20  // bytes of an answer that names no Max
	recvChunk  = 64 << 10 // bytes of one recv(2)
)

// Recv reads what comes. Only a handle that does not exist, or is closed meanwhile, is an error.
func (t *Table) Recv(req wire.RecvRequest) (wire.RecvAnswer, error) {
	c, done, err := t.get(req.Conn)
	if err != nil {
		return wire.RecvAnswer{}, err
	}
	defer done()
	limit := req.Max
	if limit <= 0 {
		limit = defaultMax
	}
	want := req.Min
	switch {
	case want == 0:
		want = 1
	case want < 0 || want > limit:
		want = limit
	}
	var answer wire.RecvAnswer
	deadline := deadlineAfter(req.Timeout)
	buf := make([]byte, min(limit, recvChunk))
	for len(answer.Data) < want {
		n, err := unix.Read(c.fd, buf[:min(len(buf), limit-len(answer.Data))])
		if err == unix.EAGAIN {
			err = c.wait(unix.POLLIN, deadline)
			n = -1
		}
		var errno unix.Errno
		switch {
		case err == unix.EINTR:
		case errors.Is(err, os.ErrDeadlineExceeded):
			answer.TimedOut = true
			return answer, nil
		case err == unix.ECONNRESET:
			answer.Reset = true
			return answer, nil
		case errors.Is(err, ErrClosed):
			return wire.RecvAnswer{}, err
		case errors.As(err, &errno):
			answer.Errno = int(errno)
			return answer, nil
		case err != nil:
			return wire.RecvAnswer{}, err
		case n == 0:
			answer.EOF = true
			return answer, nil
		case n > 0:
			answer.Data = append(answer.Data, buf[:n]...)
		}
	}
	return answer, nil
}
