package netns

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Veth connects two namespaces with a pair of interfaces, gives each its address and sets both up.
func (t *Table) Veth(a, b wire.VethEnd) error {
	addrs := make([]*netlink.Addr, 2)
	for i, end := range []wire.VethEnd{a, b} {
		addr, err := netlink.ParseAddr(end.Addr)
		if err != nil {
			return fmt.Errorf("address of %s: %w", end.Name, err)
		}
		if addr.IP.To4() == nil {
			// There is nobody on this wire who could have the address already.
			addr.Flags |= unix.IFA_F_NODAD
		}
		addrs[i] = addr
	}
	if err := t.addPair(a, b); err != nil {
		return err
	}
	for i, end := range []wire.VethEnd{a, b} {
		if err := t.Do(end.Netns, func() error { return setUp(end.Name, addrs[i]) }); err != nil {
			return err
		}
	}
	return nil
}

// addPair creates both interfaces right where they belong, so that their names need not be free anywhere else.
func (t *Table) addPair(a, b wire.VethEnd) error {
	return t.Do(a.Netns, func() error {
		h, err := routeHandle()
		if err != nil {
			return err
		}
		defer h.Close()
		peer, err := t.dup(b.Netns)
		if err != nil {
			return err
		}
		defer peer.Close()
		attrs := netlink.NewLinkAttrs()
		attrs.Name = a.Name
		pair := &netlink.Veth{LinkAttrs: attrs, PeerName: b.Name, PeerNamespace: netlink.NsFd(peer)}
		if err := h.LinkAdd(pair); err != nil {
			return fmt.Errorf("add veth pair %s, %s: %w", a.Name, b.Name, err)
		}
		return nil
	})
}

// dup returns a handle of its own to a namespace, for calls that may wait for long.
func (t *Table) dup(name string) (netns.NsHandle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := t.root
	if name != "" {
		s := t.spaces[name]
		if s == nil {
			return netns.None(), fmt.Errorf("%w: %s", ErrUnknown, name)
		}
		from = s.fd
	}
	fd, err := unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return netns.None(), fmt.Errorf("duplicate handle of network namespace %q: %w", name, err)
	}
	return netns.NsHandle(fd), nil
}

// setUp gives the interface called name its address and sets it up, in the namespace of the calling thread.
func setUp(name string, addr *netlink.Addr) error {
	h, err := routeHandle()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if addr != nil {
		if err := h.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add address %s to %s: %w", addr.IPNet, name, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

// LoopbackUp sets lo up in the network namespace of the calling thread.
func LoopbackUp() error { return setUp("lo", nil) }

// routeHandle opens rtnetlink in the network namespace of the calling thread.
func routeHandle() (*netlink.Handle, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open rtnetlink: %w", err)
	}
	return h, nil
}
