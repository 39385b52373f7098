package load

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// client is one of the clients of a worker. Times are those of the worker's clock.
type client struct {
	fd     int    // -1: not connected
	events uint32 // what epoll looks for; 0 when it does not know the socket yet
	asks   int    // the request in the script whose answer comes next
	open   int    // requests under way, from that one on
	unsent []byte // the rest of them
	oldest int    // where in the client's ring of times the first of them is
	got    int    // bytes of the answer that comes next
	since  int64  // of the last progress, or of the beginning of a rest
	seen   int    // how many good answers all of the worker's clients had by then
	begun  int    // requests so far
	last   bool   // all of the last answer is there, and the server must close
	free   bool   // it waits for the next request of an open load
	why    string // the last answer was malformed
	http   httpState
}

// Events are edge-triggered: each step goes on until the kernel has no more. Room to send is asked for only by a client that
// has once found none.
const (
	wantAnswer = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET
	wantRoom   = wantAnswer | unix.EPOLLOUT
	closedPeer = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// progress notes that something came or went for a client.
func (w *worker) progress(c *client) { c.since, c.seen = w.now, w.result.Good }

// begin makes k requests that were due at a time, on the connection that is there or on a new one. Nothing of the client is
// unsent.
func (w *worker) begin(i, k int, due int64) {
	c := &w.clients[i]
	for j := range k {
		*w.time(i, c.oldest+c.open+j) = due
	}
	w.progress(c)
	c.unsent = w.script.piece((c.asks+c.open)%w.script.n, k)
	c.open += k
	if c.fd < 0 {
		if err := w.connect(i); err != nil {
			w.fail(i, err)
			return
		}
	}
	w.push(i)
}

// time is the place for the time of a client's request.
func (w *worker) time(i, n int) *int64 { return &w.times[i*w.pipeline+n%w.pipeline] }

// connect begins to connect. How that went is told by the first send or receive.
func (w *worker) connect(i int) error {
	fd, err := unix.Socket(w.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c := &w.clients[i]
	c.fd = fd
	w.result.Conns++
	if w.KeepAlive {
		// A small request must not wait until the one before it has been acknowledged.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return fmt.Errorf("no delay: %w", err)
		}
	}
	if err := unix.Connect(fd, w.to); err != nil && err != unix.EINPROGRESS {
		return err
	}
	return nil
}

// push sends as much as the kernel takes, and has epoll look after the rest. A server may answer, or close, before it has all
// of a request.
func (w *worker) push(i int) {
	c := &w.clients[i]
	want := uint32(wantAnswer)
	for len(c.unsent) > 0 {
		n, errno := send(c.fd, c.unsent)
		if errno == unix.EINTR {
			continue
		}
		if errno == unix.EAGAIN {
			want = wantRoom
			break
		}
		if errno != 0 {
			w.fail(i, errno)
			return
		}
		w.result.Sent += int64(n)
		c.unsent = c.unsent[n:]
		w.progress(c)
	}
	if c.events&want == want {
		return
	}
	op := unix.EPOLL_CTL_MOD
	if c.events == 0 {
		op = unix.EPOLL_CTL_ADD
	}
	c.events |= want
	if err := unix.EpollCtl(w.epoll, op, c.fd, &unix.EpollEvent{Events: c.events, Fd: int32(i)}); err != nil {
		w.fail(i, fmt.Errorf("epoll_ctl: %w", err))
	}
}

// event acts on what epoll says of a client.
func (w *worker) event(i int, events uint32) {
	c := &w.clients[i]
	if len(c.unsent) > 0 && events&unix.EPOLLOUT != 0 {
		if w.push(i); c.fd < 0 {
			return
		}
	}
	if events&^unix.EPOLLOUT != 0 && !w.pull(i, events) {
		return
	}
	if !c.free {
		w.more(i)
	}
}

// pull receives until there is nothing more. It reports false when the connection's end was not the client's own wish, and has
// been seen to.
func (w *worker) pull(i int, events uint32) bool {
	c := &w.clients[i]
	for {
		n, errno := recv(c.fd, w.buf)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return true
		case errno != 0:
			w.fail(i, errno)
			return false
		case n == 0:
			return w.end(i)
		default:
			w.tick()
			w.progress(c)
			w.result.Received += int64(n)
			if !w.take(i, w.buf[:n]) {
				return false
			}
			if c.fd < 0 {
				return true
			}
			// A buffer that is not full has emptied the queue, and what comes later is another event.
			if n < len(w.buf) && events&closedPeer == 0 {
				return true
			}
		}
	}
}

// take judges received bytes and reports false when they were wrong.
func (w *worker) take(i int, part []byte) bool {
	c := &w.clients[i]
	for len(part) > 0 {
		if c.open == 0 || c.last {
			c.why = "bytes behind the end of the answer"
			w.wrong(i, part)
			return false
		}
		n, v := w.answers.take(c, part)
		switch v {
		case malformed:
			w.wrong(i, part)
			return false
		case partial:
			c.got += n
			return true
		case wholeLast:
			c.last = true
		case whole:
			if n < len(part) && c.open == 1 {
				c.why = "bytes behind the end of the answer"
				w.wrong(i, part[n:])
				return false
			}
			w.answered(i)
		}
		part = part[n:]
	}
	if c.open == 0 && !w.KeepAlive {
		w.drop(i) // the client closes, unless the protocol says that the server does
	}
	return true
}

// end is the end of the stream. It reports true when nothing was under way any more: the client, which may have had its answer
// in this very event, goes on.
func (w *worker) end(i int) bool {
	c := &w.clients[i]
	switch {
	case c.open == 0: // as a server may, after any answer
		w.drop(i)
		return true
	case c.last, c.got > 0 && w.answers.end(c) == whole:
		w.answered(i)
		// What was asked behind an answer that said it was the last has not been looked at: it will be asked again.
		w.unclaim(i, c.open)
		c.open = 0
	case c.got > 0:
		w.result.Short++
		w.sample(fmt.Sprintf("the answer ends after %d bytes", c.got))
		w.cut(i)
		return false
	default:
		w.result.Empty++
		w.cut(i)
		return false
	}
	w.drop(i)
	w.more(i)
	return false
}

// answered counts a whole answer.
func (w *worker) answered(i int) {
	c := &w.clients[i]
	if w.answers.good(c) {
		w.result.Good++
		if w.latency != nil {
			record(w.latency, w.now-*w.time(i, c.oldest), 1)
		}
	} else {
		w.result.Status++
		w.sample(c.why)
	}
	w.streak, w.lastGood = 0, w.now
	w.count++
	c.settle(w.script.n, w.pipeline)
}

// settle closes the oldest of the client's requests.
func (c *client) settle(n, pipeline int) {
	c.open--
	c.got, c.last = 0, false
	if c.asks++; c.asks == n {
		c.asks = 0
	}
	if c.oldest++; c.oldest == pipeline {
		c.oldest = 0
	}
}

// drop closes a client's connection.
func (w *worker) drop(i int) {
	c := &w.clients[i]
	if c.fd >= 0 {
		_ = unix.Close(c.fd)
	}
	c.fd, c.events, c.unsent, c.got, c.last = -1, 0, nil, 0, false
	c.http.reset()
}
