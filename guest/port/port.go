package port

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// Port is the open port. One goroutine may read while another writes.
type Port struct {
	fd int
	// onHangup waits for a sign that the host may have connected again. It is replaced in tests.
	onHangup func() error
}

// Open waits for the port called name and opens it. The goroutine that calls it must be locked to its thread where
// it is also the one that reads, since the kernel tells this thread about the host's comings and goings.
func Open(name string) (*Port, error) {
	dev, err := await(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(dev, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dev, err)
	}
	p := &Port{fd: fd}
	p.onHangup = p.awaitHost
	return p, nil
}

// Read implements io.Reader. While no host is connected it waits: the port has no end.
func (p *Port) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(p.fd, b)
		switch {
		case n > 0:
			return n, nil
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("read port: %w", err)
		case len(b) == 0:
			return 0, nil
		default:
			// The host has gone: a template is being saved, or this is a clone that nobody has called yet.
			if err := p.onHangup(); err != nil {
				return 0, err
			}
		}
	}
}

// Write implements io.Writer. The driver takes 32 KiB at a time and waits while no host is connected.
func (p *Port) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Write(p.fd, b[done:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return done, fmt.Errorf("write port: %w", err)
		}
		if n == 0 {
			return done, fmt.Errorf("write port: %w", io.ErrShortWrite)
		}
		done += n
	}
	return done, nil
}

// hangupPoll bounds one wait for SIGIO, against a signal that another thread might have taken.
const hangupPoll = time.Second

// awaitHost returns when the port's state may have changed. poll(2) is of no use here: it reports the hangup at
// once and over again. The driver sends SIGIO when the host connects, so the thread takes that signal
// synchronously. Asking for it comes first and reading again second: a host that connects in between is then
// met by a read that blocks or by a signal that is pending.
func (p *Port) awaitHost() error {
	first, err := p.armSIGIO()
	if err != nil || first {
		return err
	}
	return takeSIGIO(hangupPoll)
}
