package conns

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// defaultTimeout is for requests that name none.
const defaultTimeout = 5 * time.Second

// backlog of listening sockets.
const backlog = 128

func deadlineAfter(timeout time.Duration) time.Time {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return time.Now().Add(timeout)
}

// Dial connects. Its error carries the errno of connect(2), or os.ErrDeadlineExceeded when nobody answered.
func (t *Table) Dial(req wire.DialRequest) (wire.DialAnswer, error) {
	deadline := deadlineAfter(req.Timeout)
	remote, err := netip.ParseAddrPort(req.Addr)
	if err != nil {
		return wire.DialAnswer{}, fmt.Errorf("dial: %w", err)
	}
	var answer wire.DialAnswer
	answer.Conn, err = t.open(req.Netns, family(remote), func(c *conn) (err error) {
		if req.RcvBuf > 0 {
			// Before connecting: it decides the window that is offered.
			if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, req.RcvBuf); err != nil {
				return fmt.Errorf("set receive buffer: %w", err)
			}
		}
		if req.Local != "" {
			if err := bindLocal(c.fd, req.Local); err != nil {
				return err
			}
		}
		if err := c.connect(remote, deadline); err != nil {
			return fmt.Errorf("connect to %s: %w", req.Addr, err)
		}
		local, err := unix.Getsockname(c.fd)
		if err != nil {
			return fmt.Errorf("local address: %w", err)
		}
		// The peer may have gone already, so the kernel is not asked for its name.
		answer.Local, answer.Remote = addrString(local), remote.String()
		return nil
	})
	return answer, err
}

// connect waits until the connection is there.
func (c *conn) connect(to netip.AddrPort, deadline time.Time) error {
	err := unix.Connect(c.fd, sockaddr(to))
	if err != unix.EINPROGRESS {
		return err
	}
	if err := c.wait(unix.POLLOUT, deadline); err != nil {
		return err
	}
	errno, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

// Listen opens a listening socket from which nobody ever accepts.
func (t *Table) Listen(req wire.ListenRequest) (wire.ListenAnswer, error) {
	addr, err := netip.ParseAddrPort(req.Addr)
	if err != nil {
		return wire.ListenAnswer{}, fmt.Errorf("listen: %w", err)
	}
	var answer wire.ListenAnswer
	answer.Conn, err = t.open(req.Netns, family(addr), func(c *conn) (err error) {
		c.listens = true
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return fmt.Errorf("reuse address: %w", err)
		}
		if err := unix.Bind(c.fd, sockaddr(addr)); err != nil {
			return fmt.Errorf("bind to %s: %w", req.Addr, err)
		}
		if err := unix.Listen(c.fd, backlog); err != nil {
			return fmt.Errorf("listen on %s: %w", req.Addr, err)
		}
		local, err := unix.Getsockname(c.fd)
		answer.Addr = addrString(local)
		return err
	})
	return answer, err
}

// bindLocal binds to an address with or without a port.
func bindLocal(fd int, local string) error {
	addr, err := netip.ParseAddrPort(local)
	if err != nil {
		ip, errIP := netip.ParseAddr(local)
		if errIP != nil {
			return fmt.Errorf("local address: %w", errIP)
		}
		addr = netip.AddrPortFrom(ip, 0)
	}
	if err := unix.Bind(fd, sockaddr(addr)); err != nil {
		return fmt.Errorf("bind to %s: %w", local, err)
	}
	return nil
}

func family(a netip.AddrPort) int {
	if a.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

func addrString(s unix.Sockaddr) string {
	switch s := s.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(s.Addr), uint16(s.Port)).String()
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(s.Addr), uint16(s.Port)).String()
	default:
		return ""
	}
}
