package conns

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// nothing is a filter that lets no packet through to its socket. Without it the kernel would answer for us.
var nothing = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}

// DialHalf begins connections whose handshake never ends. When one of them fails none is left.
func (t *Table) DialHalf(req wire.DialHalfRequest) (wire.DialManyAnswer, error) {
	remote, err := netip.ParseAddrPort(req.Addr)
	if err != nil {
		return wire.DialManyAnswer{}, fmt.Errorf("dial: %w", err)
	}
	return t.openMany(many{req.Netns, family(remote), req.Count, false}, func(c *conn) error {
		filter := unix.SockFprog{Len: uint16(len(nothing)), Filter: &nothing[0]}
		if err := unix.SetsockoptSockFprog(c.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter); err != nil {
			return fmt.Errorf("attach filter: %w", err)
		}
		if err := unix.Connect(c.fd, sockaddr(remote)); !errors.Is(err, unix.EINPROGRESS) {
			return fmt.Errorf("begin to connect to %s: %w", req.Addr, err)
		}
		return nil
	})
}
