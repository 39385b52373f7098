package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// consoleLimit bounds what is kept of a console in memory, in bytes: a guest that prints without end must not take the
// host's memory. The file has all of it.
const consoleLimit = 8 << 20

// console takes what QEMU prints: the guest's serial console and QEMU's own words.
type console struct {
	mu      sync.Mutex
	buf     []byte
	flushed int // bytes of buf that are in the file
	file    *os.File
	written int           // bytes of the file
	err     error         // the first error of the file
	changed chan struct{} // closed and replaced at every write
}

// newConsole returns a console that is also written to the file path, unless that is "".
func newConsole(path string) (*console, error) {
	c := &console{changed: make(chan struct{})}
	if path == "" {
		return c, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create console log: %w", err)
	}
	c.file = f
	return c, nil
}

// Write implements io.Writer. It never fails: the guest goes on when its log cannot be written, and Close tells.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = append(c.buf, p...)
	if end := bytes.LastIndexByte(c.buf[c.flushed:], '\n'); end >= 0 {
		c.flush(c.flushed + end + 1)
	}
	if len(c.buf) > consoleLimit {
		drop := len(c.buf) - consoleLimit/2
		c.flush(max(drop, c.flushed))
		c.buf = append(c.buf[:0], c.buf[drop:]...)
		c.flushed -= drop
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return len(p), nil
}

// mostOfFile bounds the file, in bytes: a module that prints without end must not fill the disk that all results go to.
const mostOfFile = 64 << 20

// flush writes buf up to end to the file.
func (c *console) flush(end int) {
	if c.file != nil && c.written <= mostOfFile {
		more := c.buf[c.flushed:end]
		if c.written += len(more); c.written > mostOfFile {
			more = fmt.Appendf(nil, "\nktcp: the guest has printed more than %d MiB: what follows is not kept\n", mostOfFile>>20)
		}
		if _, err := c.file.Write(more); err != nil && c.err == nil {
			c.err = fmt.Errorf("write console log: %w", err)
		}
	}
	c.flushed = end
}

// Close implements io.Closer. It writes what is left of the last line.
func (c *console) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	c.flush(len(c.buf))
	err := errors.Join(c.err, c.file.Close())
	c.file = nil
	return err
}

// bytes returns a copy of what has been printed so far.
func (c *console) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf)
}

// next returns a channel that is closed when more is printed.
func (c *console) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// quiet waits until nothing was printed for the time given.
func (c *console) quiet(ctx context.Context, idle time.Duration) error {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-c.next():
			timer.Reset(idle)
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
