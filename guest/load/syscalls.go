package load

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// These two do not tell the Go scheduler that the thread is in the kernel: they never wait there, and it would cost as much as
// the system call itself does.

// recv reads what is there.
func recv(fd int, buf []byte) (n int, errno unix.Errno) {
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)),
		unix.MSG_DONTWAIT, 0, 0)
	return int(r), errno
}

// send writes as much as there is room for.
func send(fd int, data []byte) (n int, errno unix.Errno) {
	r, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(r), errno
}
