package twin

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"ktcp/guest/epoll"
)

const (
	// backlog, also of kecho's bigger settings: the kernel caps it at somaxconn.
	backlog = 4096
	// bufferSize is how much is read at a time.
	bufferSize = 64 << 10
	// batch is how many events are taken at a time.
	batch = 256
)

// conn is a connection, found by its descriptor.
type conn struct {
	pending []byte // read and not yet sent
}

// Server is a listening socket and its connections.
type Server struct {
	listener, epoll int
	conns           []conn
	buf             []byte
}

// Listen opens a server.
func Listen(addr netip.AddrPort) (*Server, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s := &Server{listener: fd, epoll: -1, buf: make([]byte, bufferSize)}
	if err := s.listen(addr); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) listen(addr netip.AddrPort) error {
	if err := unix.SetsockoptInt(s.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("reuse address: %w", err)
	}
	if err := unix.Bind(s.listener, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		return fmt.Errorf("bind to %v: %w", addr, err)
	}
	if err := unix.Listen(s.listener, backlog); err != nil {
		return fmt.Errorf("listen on %v: %w", addr, err)
	}
	var err error
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return s.watch(unix.EPOLL_CTL_ADD, s.listener, unix.EPOLLIN)
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() (netip.AddrPort, error) {
	name, err := unix.Getsockname(s.listener)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("local address: %w", err)
	}
	a := name.(*unix.SockaddrInet4) // as it was made
	return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
}

// Close closes the listening socket. It must not be called while Run runs.
func (s *Server) Close() {
	for _, fd := range []int{s.listener, s.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func (s *Server) watch(op, fd int, events uint32) error {
	if err := unix.EpollCtl(s.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// Run serves for ever, or until the epoll fails. The thread is used as C would use it: system calls that return at once
// do not tell the Go scheduler of themselves, which would cost more than they do.
func (s *Server) Run() error {
	events := make([]unix.EpollEvent, batch)
	for {
		n, err := epoll.Wait(s.epoll, events, epoll.Forever)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, e := range events[:n] {
			if int(e.Fd) == s.listener {
				s.accept()
				continue
			}
			s.serve(int(e.Fd))
		}
	}
}

// accept takes the connections that wait.
func (s *Server) accept() {
	for {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR || err == unix.ECONNABORTED {
			continue
		}
		if err != nil {
			return // EAGAIN; what is short now is asked for again with the next event
		}
		for len(s.conns) <= fd {
			s.conns = append(s.conns, conn{})
		}
		s.conns[fd] = conn{}
		if err := s.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN); err != nil {
			_ = unix.Close(fd)
		}
	}
}

// serve moves one connection on: it sends what waits, else reads once and sends that.
func (s *Server) serve(fd int) {
	c := &s.conns[fd]
	if len(c.pending) > 0 {
		n, errno := send(fd, c.pending)
		if errno != 0 && errno != unix.EAGAIN {
			s.drop(fd)
			return
		}
		c.pending = c.pending[n:]
		if len(c.pending) > 0 {
			return
		}
		c.pending = nil
		if err := s.watch(unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN); err != nil {
			s.drop(fd)
		}
		return
	}
	n, errno := recv(fd, s.buf)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case errno != 0 || n == 0: // all that came was sent: nothing waits here
		s.drop(fd)
		return
	}
	sent, errno := send(fd, s.buf[:n])
	if errno != 0 && errno != unix.EAGAIN {
		s.drop(fd)
		return
	}
	if sent < n {
		c.pending = append([]byte(nil), s.buf[sent:n]...)
		if err := s.watch(unix.EPOLL_CTL_MOD, fd, unix.EPOLLOUT); err != nil {
			s.drop(fd)
		}
	}
}

func (s *Server) drop(fd int) {
	s.conns[fd] = conn{}
	_ = unix.Close(fd) // which also takes it out of the epoll
}

func send(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func recv(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
