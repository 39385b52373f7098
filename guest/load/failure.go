package load

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// wrong counts an answer that is not what it had to be.
func (w *worker) wrong(i int, part []byte) {
	c := &w.clients[i]
	if c.open == 0 {
		w.broken(i, &w.result.Unasked, fmt.Sprintf("unasked for: %.200q", part))
		return
	}
	w.result.Wrong++
	w.sample(fmt.Sprintf("wrong answer at byte %d: %s: %.200q", c.got, c.why, part))
	w.failed(i, &w.result.Empty)
	w.streak, w.lastGood = 0, w.now // the server is there
}

// cut is the end of a stream that came too early, and has been counted.
func (w *worker) cut(i int) {
	w.lastErr = errors.New("connections are closed without an answer")
	w.failed(i, &w.result.Empty)
}

// fail counts an error of a system call.
func (w *worker) fail(i int, err error) {
	if w.clients[i].open == 0 {
		w.broken(i, &w.result.Idle, fmt.Sprintf("a connection failed between requests: %v", err))
		return
	}
	var errno unix.Errno
	errors.As(err, &errno)
	count := &w.result.Other
	switch errno {
	case unix.ECONNREFUSED:
		count = &w.result.Refused
	case unix.ECONNRESET, unix.EPIPE:
		count = &w.result.Reset
	case unix.ETIMEDOUT:
		w.timedOut(i, err)
		return
	case unix.EADDRNOTAVAIL:
		count = &w.result.NoPort
		err = fmt.Errorf("no local port is left: %w", errno)
	default:
		w.sample(err.Error())
	}
	w.lastErr = err
	*count++
	w.failed(i, count)
}

// failed lets a client, of whose oldest request a failure was counted, count those behind it in the same connection, and wait a
// moment before it tries again.
func (w *worker) failed(i int, rest *int) {
	c := &w.clients[i]
	*rest += c.open - 1
	w.count += int64(c.open)
	w.streak++
	w.drop(i)
	for c.open > 0 {
		c.settle(w.script.n, w.pipeline)
	}
	w.rest(i)
}

// rest has a client wait a moment before it tries again.
func (w *worker) rest(i int) {
	w.clients[i].since = w.now
	w.resting = append(w.resting, i)
}

// broken counts what ended a connection on which nothing was under way: that was no request. The client makes its next one on another
// connection.
func (w *worker) broken(i int, count *int, how string) {
	*count++
	w.sample(how)
	w.drop(i)
	if !w.clients[i].free { // the rest of a request was unsent when it was answered
		w.rest(i)
	}
}

func (w *worker) sample(text string) {
	if w.result.Sample == "" {
		w.result.Sample = text
	}
}

// expire counts a timeout for every client that has made no progress for too long.
func (w *worker) expire() {
	if w.now < w.look {
		return
	}
	w.look = w.now + int64(w.Patience)/looksPerPatience
	for i := range w.clients {
		c := &w.clients[i]
		if c.fd < 0 || c.open == 0 || w.now-c.since < int64(w.Patience) || w.Fair && !w.passedOver(c) {
			continue
		}
		if c.last {
			w.sample("the server does not close the connection behind its last answer")
		}
		w.timedOut(i, fmt.Errorf("no progress for %v", w.Patience))
	}
}

const (
	// fairShare is how many answers each of the others has had on average when a client that has none was passed over.
	fairShare = 10
	// lastPatience is after how many times its patience a client is, whatever the others had.
	lastPatience = 6
)

// passedOver reports whether the server could have answered a client that has lost its patience: it answers nobody, or it has answered the
// others many times meanwhile. One that is at the others yet is slow, as any is that has a thread for each of two hundred clients and a
// quarter of a busy processor.
func (w *worker) passedOver(c *client) bool {
	patience := int64(w.Patience)
	return w.now-max(w.lastGood, c.since) >= patience || w.result.Good-c.seen >= fairShare*len(w.clients) || w.now-c.since >= lastPatience*patience
}

// timedOut counts a timeout.
func (w *worker) timedOut(i int, err error) {
	w.lastErr = err
	w.result.Timeout++
	if w.waited != nil {
		record(w.waited, w.now-*w.time(i, w.clients[i].oldest), 1)
	}
	w.failed(i, &w.result.Timeout)
}

// goneAfter is how long every attempt must have failed before the server is said to be gone, in ns.
const goneAfter = 1e9

// gone reports whether a load that measures has nothing to measure any more.
func (w *worker) gone() bool {
	return w.measures && w.streak >= 2*w.conns && w.now-w.lastGood >= goneAfter
}
