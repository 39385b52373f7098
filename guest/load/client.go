package load

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// client is one of the clients of a worker.
type client struct {
	fd    int       // -1: not connected
	busy  bool      // within a request
	sent  int       // bytes of the request
	got   int       // bytes of the answer
	since time.Time // of the last progress, or of the beginning of a rest
}

// clientEvents are edge-triggered and asked for once, since each step goes on until the kernel has no more.
const clientEvents = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// begin starts a request, on the connection that is there or on a new one.
func (w *worker) begin(i int) {
	c := &w.clients[i]
	c.sent, c.got, c.since, c.busy = 0, 0, w.now, true
	if c.fd >= 0 {
		n, err := unix.Read(c.fd, w.buf)
		switch {
		case err == unix.EAGAIN:
		case n > 0:
			w.wrong(i, w.buf[:n])
			return
		default:
			w.drop(i) // the server has closed it after its last answer, as it may
			c.busy = true
		}
	}
	if c.fd < 0 {
		if err := w.connect(i); err != nil {
			w.fail(i, err)
			return
		}
	}
	w.step(i)
}

// connect begins to connect. How that went is told by the first send or receive.
func (w *worker) connect(i int) error {
	fd, err := unix.Socket(w.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return err
	}
	w.clients[i].fd = fd
	if err := w.watch(fd, clientEvents, i); err != nil {
		return err
	}
	if err := unix.Connect(fd, w.to); err != nil && err != unix.EINPROGRESS {
		return err
	}
	return nil
}

// step sends and receives as much as the kernel lets it.
func (w *worker) step(i int) {
	c := &w.clients[i]
	for c.busy && c.sent < len(w.Send) {
		n, err := unix.SendmsgN(c.fd, w.Send[c.sent:], nil, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			break // a server may answer, or close, before it has all of the request
		}
		if err != nil {
			w.fail(i, err)
			return
		}
		c.sent += n
		c.since = w.now
	}
	for c.busy {
		n, err := unix.Read(c.fd, w.buf)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return
		case err != nil:
			w.fail(i, err)
		case n == 0:
			w.end(i)
		default:
			c.since = w.now
			w.take(i, w.buf[:n])
		}
	}
}

// take looks at a part of the answer.
func (w *worker) take(i int, part []byte) {
	c := &w.clients[i]
	switch {
	case len(w.Expect) > 0:
		rest := w.Expect[c.got:]
		if len(part) > len(rest) || !bytes.Equal(part, rest[:len(part)]) {
			w.wrong(i, part)
			return
		}
		c.got += len(part)
		if c.got == len(w.Expect) {
			w.good(i)
		}
	case w.KeepAlive:
		w.good(i) // there is no telling where the answer ends
	case c.got+len(part) > maxAnswer:
		w.other(i, fmt.Sprintf("an answer of more than %d bytes", maxAnswer))
	default:
		c.got += len(part)
	}
}

// end is the end of the stream.
func (w *worker) end(i int) {
	c := &w.clients[i]
	switch {
	case c.got == 0:
		w.result.Empty++
		w.rest(i)
	case len(w.Expect) > 0:
		w.result.Short++
		w.rest(i)
	default:
		w.good(i)
	}
}

// good counts a good answer and goes on with the next request.
func (w *worker) good(i int) {
	w.result.Good++
	w.clients[i].busy = false
	if !w.KeepAlive {
		w.drop(i)
	}
	w.ready = append(w.ready, i)
}

func (w *worker) wrong(i int, part []byte) {
	w.result.Wrong++
	w.sample(fmt.Sprintf("wrong answer at byte %d: %.200q", w.clients[i].got, part))
	w.rest(i)
}

func (w *worker) other(i int, what string) {
	w.result.Other++
	w.sample(what)
	w.rest(i)
}

// fail counts an error of a system call.
func (w *worker) fail(i int, err error) {
	switch err {
	case unix.ECONNREFUSED:
		w.result.Refused++
		w.rest(i)
	case unix.ECONNRESET, unix.EPIPE:
		w.result.Reset++
		w.rest(i)
	case unix.ETIMEDOUT:
		w.result.Timeout++
		w.rest(i)
	default:
		w.other(i, err.Error())
	}
}

func (w *worker) sample(text string) {
	if w.result.Sample == "" {
		w.result.Sample = text
	}
}

// rest lets a client that failed wait a moment.
func (w *worker) rest(i int) {
	w.drop(i)
	w.clients[i].since = w.now
	w.resting = append(w.resting, i)
}

// drop closes a client's connection.
func (w *worker) drop(i int) {
	c := &w.clients[i]
	c.busy = false
	if c.fd >= 0 {
		_ = unix.Close(c.fd)
		c.fd = -1
	}
}
