package port

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoPort is returned when no port of the name wanted appears in time.
var ErrNoPort = errors.New("no such virtio-serial port")

const (
	// classDir lists the ports: udev would make links by name from it, but there is no udev here.
	classDir = "/sys/class/virtio-ports"
	devDir   = "/dev"
	// patience is how long the kernel may take to find its ports once the driver is there, in guest time.
	patience = 15 * time.Second
	// ueventGroup is the multicast group in which the kernel itself, and not udev, announces devices.
	ueventGroup = 1
)

// await returns the device file of the named port. The port is set up by messages between the driver and QEMU
// after the driver is loaded, so it waits for the kernel to announce it.
func await(name string) (string, error) {
	events, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return "", fmt.Errorf("open uevent socket: %w", err)
	}
	defer unix.Close(events)
	if err := unix.Bind(events, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: ueventGroup}); err != nil {
		return "", fmt.Errorf("bind uevent socket: %w", err)
	}
	buf := make([]byte, 16<<10)
	for deadline := time.Now().Add(patience); ; {
		if dev, err := find(classDir, name); err != nil || dev != "" {
			return filepath.Join(devDir, dev), err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return "", fmt.Errorf("%w: %s (is a virtserialport with this name on QEMU's command line?)", ErrNoPort, name)
		}
		tv := unix.NsecToTimeval(left.Nanoseconds())
		if err := unix.SetsockoptTimeval(events, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
			return "", fmt.Errorf("set timeout of uevent socket: %w", err)
		}
		// What is announced does not matter, nor that announcements were lost: the next look at the directory tells.
		_, _, err := unix.Recvfrom(events, buf, 0)
		switch err {
		case nil, unix.EAGAIN, unix.EINTR, unix.ENOBUFS:
		default:
			return "", fmt.Errorf("read uevent: %w", err)
		}
	}
}

// find returns the name of the device below class whose attribute "name" is name, or "" where there is none yet.
func find(class, name string) (string, error) {
	entries, err := os.ReadDir(class)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("list virtio-serial ports: %w", err)
	}
	for _, e := range entries {
		got, err := os.ReadFile(filepath.Join(class, e.Name(), "name"))
		if err == nil && strings.TrimSpace(string(got)) == name {
			return e.Name(), nil
		}
	}
	return "", nil
}
