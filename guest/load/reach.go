package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Reach connects to a server once, closes the connection, and returns [ErrUnreachable] with the cause when it could not connect within
// within, 0 for 5 s. Loads that measure do so by themselves, at their start; awkward clients would try for ever.
func Reach(ctx context.Context, addr string, within time.Duration) error {
	if within == 0 {
		within = patience
	}
	d := net.Dialer{Timeout: within}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		return c.Close()
	}
	if ctx.Err() != nil {
		return fmt.Errorf("load: %w", ctx.Err())
	}
	var errno unix.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer for %v: %w", within, unix.ETIMEDOUT)
	case errors.As(err, &errno):
		err = errno // without the words around it
	}
	return fmt.Errorf("%w to %s: %w", ErrUnreachable, addr, err)
}
