package awkward

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// behave does what the manner says and returns what came of it.
func (r *run) behave(c *conn) (outcome, error) {
	half := r.Send[:len(r.Send)/2]
	switch r.Manner {
	case wire.SlowSender:
		for _, b := range r.Send {
			if err := c.send([]byte{b}); err != nil {
				return outcomeOf(err), err
			}
			if err := c.pause(r.Pace); err != nil {
				return outcomeOf(err), err
			}
		}
		return c.answer(0)
	case wire.SlowReader:
		if err := c.send(r.Send); err != nil {
			return outcomeOf(err), err
		}
		return c.answer(r.Pace)
	case wire.HalfCloser:
		return c.sendAndEnd()
	case wire.Waiter:
		return c.wait()
	case wire.Vanisher:
		return ended(c.send(half), c.vanish)
	case wire.Resetter:
		return ended(c.send(half), c.reset)
	case wire.Interrupter:
		err := c.send(r.Send)
		if err == nil {
			_, err = c.receive(make([]byte, 1))
		}
		return ended(err, c.reset)
	case wire.LateSender:
		return c.sendLate()
	case wire.Stormer:
		return good, nil
	case wire.PortHog:
		// Its last byte waits for its end: whatever the server does when it has the whole request, it closes second.
		err := c.option(func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_CORK, 1) })
		if err != nil {
			return outcomeOf(err), err
		}
		return c.sendAndEnd()
	}
	return other, fmt.Errorf("manner %q", r.Manner)
}

// ended is the outcome of a client that prepares its own end, unless an error came first.
func ended(err error, prepare func() error) (outcome, error) {
	if err == nil {
		err = prepare()
	}
	if err != nil {
		return outcomeOf(err), err
	}
	return good, nil
}

// sendAndEnd sends, says that this was all, and takes the answer.
func (c *conn) sendAndEnd() (outcome, error) {
	err := c.send(c.r.Send)
	if err == nil {
		err = c.option(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
	}
	if err != nil {
		return outcomeOf(err), err
	}
	return c.answer(0)
}

// answer takes the whole answer, at once or a byte at a time.
func (c *conn) answer(pace time.Duration) (outcome, error) {
	buf := make([]byte, 32<<10)
	if pace > 0 {
		buf = buf[:1]
	}
	want := c.r.Expect
	for got := 0; ; {
		n, err := c.receive(buf)
		switch {
		case err == io.EOF && got > 0 && len(want) == 0:
			return good, nil
		case err == io.EOF && got > 0:
			return short, err
		case err != nil:
			return outcomeOf(err), err
		case len(want) > 0 && (n > len(want)-got || !bytes.Equal(buf[:n], want[got:got+n])):
			return wrong, fmt.Errorf("wrong answer at byte %d: %.200q", got, buf[:n])
		}
		if got += n; len(want) > 0 && got == len(want) {
			return good, nil
		}
		if pace > 0 {
			if err := c.pause(pace); err != nil {
				return outcomeOf(err), err
			}
		}
	}
}

// wait says nothing, and hopes to hear nothing.
func (c *conn) wait() (outcome, error) {
	n, err := c.receive(make([]byte, 1))
	switch {
	case n > 0:
		return wrong, errors.New("an answer to nothing")
	case outcomeOf(err) == timeout:
		return good, nil
	}
	return outcomeOf(err), err
}

// sendLate sends to a server that has closed.
func (c *conn) sendLate() (outcome, error) {
	if err := c.send(c.r.Send); err != nil {
		return outcomeOf(err), err
	}
	if o, err := c.answer(0); o != good {
		return o, err
	}
	for until := time.Now().Add(c.r.Patience); time.Now().Before(until); {
		switch err := c.send(c.r.Send); outcomeOf(err) {
		case reset:
			return good, nil
		case other:
			if err != nil {
				return other, err
			}
		}
		if err := c.pause(c.r.Pace); err != nil {
			return outcomeOf(err), err
		}
	}
	return timeout, nil
}
