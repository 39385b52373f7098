package netns

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Numbers of namespaces (nsid) are given and read from a thread in the initial namespace, to which they belong.

// assignID gives a namespace its number.
func assignID(fd netns.NsHandle, id int) error {
	h, err := routeHandle()
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.SetNetNsIdByFd(int(fd), id); err != nil {
		return fmt.Errorf("number network namespace: %w", err)
	}
	return nil
}

// readIDs returns the numbers of all namespaces whose destruction has not begun.
func readIDs() (map[int]bool, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETNSID, unix.NLM_F_DUMP)
	req.AddData(nl.NewRtGenMsg())
	messages, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNSID)
	if err != nil {
		return nil, fmt.Errorf("list numbers of network namespaces: %w", err)
	}
	ids := make(map[int]bool, len(messages))
	for _, m := range messages {
		attrs, err := nl.ParseRouteAttr(m[nl.DeserializeRtGenMsg(m).Len():])
		if err != nil {
			return nil, fmt.Errorf("list numbers of network namespaces: %w", err)
		}
		for _, a := range attrs {
			if a.Attr.Type == netlink.NETNSA_NSID && len(a.Value) >= 4 {
				ids[int(int32(binary.NativeEndian.Uint32(a.Value)))] = true
			}
		}
	}
	return ids, nil
}

// idEvents is a socket on which the kernel announces numbers that are given and taken away.
type idEvents struct{ fd int }

func listenIDs() (idEvents, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return idEvents{-1}, fmt.Errorf("listen for numbers of network namespaces: %w", err)
	}
	addr := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_NSID - 1)}
	if err := unix.Bind(fd, addr); err != nil {
		_ = unix.Close(fd)
		return idEvents{-1}, fmt.Errorf("listen for numbers of network namespaces: %w", err)
	}
	return idEvents{fd}, nil
}

func (e idEvents) close() { _ = unix.Close(e.fd) }

// next waits until something may have changed and reports false when nothing did in time.
func (e idEvents) next(timeout time.Duration) (bool, error) {
	if timeout <= 0 {
		return false, nil
	}
	// A timeout of zero would mean none.
	tv := unix.NsecToTimeval(max(timeout, time.Millisecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(e.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return false, fmt.Errorf("listen for numbers of network namespaces: %w", err)
	}
	var buf [4096]byte
	_, _, err := unix.Recvfrom(e.fd, buf[:], 0)
	switch err {
	case nil, unix.EINTR, unix.ENOBUFS:
		return true, nil
	case unix.EAGAIN:
		return false, nil
	default:
		return false, fmt.Errorf("listen for numbers of network namespaces: %w", err)
	}
}
