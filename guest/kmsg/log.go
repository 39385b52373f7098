package kmsg

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// device is the kernel log.
const device = "/dev/kmsg"

// maxRecord is beyond the longest record that the kernel hands out (8 KiB until Linux 6.2, 2 KiB after). It refuses to
// read into a buffer that is too small.
const maxRecord = 16 << 10

// Log reads the kernel log. It remembers where it stands, so that a reader that goes on from its last cursor
// does not make it pass over all that came before. The zero value is ready.
type Log struct {
	mu   sync.Mutex
	read func(b []byte) (int, error) // reads one record; nil before the device is open
	next uint64                      // the sequence number that comes next, where read is not nil
	// open opens the log at its oldest record, and wait returns when there is something to read behind the last that was read, or that much
	// time has passed. They are replaced in tests.
	open func() (read func(b []byte) (int, error), wait func(time.Duration) error, err error)
	wait func(time.Duration) error
}

// Read returns the records from req.Cursor on, up to the present end. Where there are none it waits for one, for as long as it is told.
func (l *Log) Read(req wire.KmsgRequest) (wire.KmsgAnswer, error) {
	began := time.Now()
	for {
		answer, wait, err := l.readNow(req)
		left := req.Wait - time.Since(began)
		if err != nil || len(answer.Records) > 0 || left <= 0 {
			return answer, err
		}
		// Without the lock: others may read meanwhile. What they take away from here is found again by its number.
		if err := wait(left); err != nil {
			return wire.KmsgAnswer{}, err
		}
	}
}

// readNow returns what there is, and what waits for more.
func (l *Log) readNow(req wire.KmsgRequest) (answer wire.KmsgAnswer, wait func(time.Duration) error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer, err = l.from(req)
	return answer, l.wait, err
}

func (l *Log) from(req wire.KmsgRequest) (wire.KmsgAnswer, error) {
	if err := l.seek(req.Cursor); err != nil {
		return wire.KmsgAnswer{}, err
	}
	answer := wire.KmsgAnswer{Next: req.Cursor}
	err := l.rest(func(r wire.KmsgRecord) {
		if r.Seq < req.Cursor {
			return
		}
		// Numbers are given without gaps, from 0 on.
		answer.Lost = answer.Lost || r.Seq > answer.Next
		answer.Next = r.Seq + 1
		answer.Records = append(answer.Records, r)
	})
	if err != nil {
		return wire.KmsgAnswer{}, err
	}
	return answer, nil
}

// End returns the sequence number that comes next, and has the log stand there: what reads on from it passes over nothing.
func (l *Log) End() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read == nil {
		if err := l.seek(0); err != nil {
			return 0, err
		}
	}
	err := l.rest(func(wire.KmsgRecord) {})
	return l.next, err
}

// rest reads the records from where the log stands up to its present end.
func (l *Log) rest(take func(wire.KmsgRecord)) error {
	buf := make([]byte, maxRecord)
	for {
		n, err := l.read(buf)
		switch err {
		case nil:
		case unix.EINTR, unix.EPIPE: // overrun: what comes next tells how much is missing
			continue
		case unix.EAGAIN:
			return nil
		default:
			l.read = nil
			return fmt.Errorf("read %s: %w", device, err)
		}
		r, err := Parse(buf[:n])
		if err != nil {
			return err
		}
		l.next = r.Seq + 1
		take(r)
	}
}

// seek makes the next record read one that is not behind cursor.
func (l *Log) seek(cursor uint64) error {
	if l.read != nil && l.next <= cursor {
		return nil
	}
	if l.open == nil {
		l.open = openDevice()
	}
	read, wait, err := l.open()
	if err != nil {
		return err
	}
	l.read, l.wait, l.next = read, wait, 0
	return nil
}

// openDevice returns a function that opens the device when it is first called and afterwards goes back to its start.
func openDevice() func() (func(b []byte) (int, error), func(time.Duration) error, error) {
	fd := -1
	read := func(b []byte) (int, error) { return unix.Read(fd, b) }
	wait := func(d time.Duration) error {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		// Rounded up: what polls for 0 ms does not wait.
		_, err := unix.Poll(fds, int((d+time.Millisecond-1)/time.Millisecond))
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for %s: %w", device, err)
		}
		return nil
	}
	return func() (func(b []byte) (int, error), func(time.Duration) error, error) {
		if fd < 0 {
			f, err := unix.Open(device, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, nil, fmt.Errorf("open %s: %w", device, err)
			}
			fd = f
		} else if _, err := unix.Seek(fd, 0, unix.SEEK_SET); err != nil {
			return nil, nil, fmt.Errorf("rewind %s: %w", device, err)
		}
		return read, wait, nil
	}
}
