package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// warmTCP makes a connection over loopback, over IPv4 and over IPv6, and resets it, so that nothing of it stays. The kernel draws the secrets of
// its hash tables with the first one (net_get_random_once) and then patches itself so as not to look again. In a clone of two processors that
// would happen under the scenario's first client, and QEMU may run the breakpoint of the patch on the one after the kernel has done with it on the
// other: an int3 in inet_ehashfn that nobody expects.
func warmTCP() error {
	_, err := connectOnce(unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err != nil {
		return fmt.Errorf("first connection: %w", err)
	}
	_, err = connectOnce(unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}})
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EADDRNOTAVAIL) { // a kernel without IPv6
		return fmt.Errorf("first connection over IPv6: %w", err)
	}
	return nil
}

// connectOnce connects to a listener of its own at an address without a port, and resets the connection. It returns where the listener was.
func connectOnce(family int, at unix.Sockaddr) (bound unix.Sockaddr, err error) {
	listener, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, at); err != nil {
		return nil, err
	}
	if err := unix.Listen(listener, 1); err != nil {
		return nil, err
	}
	bound, err = unix.Getsockname(listener)
	if err != nil {
		return nil, err
	}
	client, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(client)
	// Both ends: no TIME_WAIT.
	reset := unix.Linger{Onoff: 1}
	if err := unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &reset); err != nil {
		return nil, err
	}
	if err := unix.Connect(client, bound); err != nil {
		return nil, err
	}
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(server)
	return bound, unix.SetsockoptLinger(server, unix.SOL_SOCKET, unix.SO_LINGER, &reset)
}
