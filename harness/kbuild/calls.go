package kbuild

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h), which a filter reads.
const (
	callNumber = 0
	callArch   = 4
)

// forbidCalls has the kernel refuse the calls by which a build would reach what neither namespaces nor mounts keep from it: sockets, those
// of daemons lie anywhere in the file system, and io_uring, whose calls this filter is not asked about. It is for
// the calling thread and all that it starts, and cannot be undone; no new privileges must have been forbidden before.
func forbidCalls() error {
	const (
		load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		isEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		answer  = unix.BPF_RET | unix.BPF_K
		// Calls of x32 have numbers of their own, from this on.
		x32 = 0x40000000
	)
	if runtime.GOARCH != "amd64" {
		return nil // nothing of ktcp runs there
	}
	filter := []unix.SockFilter{
		{Code: load, K: callArch},
		{Code: isEqual, K: unix.AUDIT_ARCH_X86_64, Jf: 5}, // 32-bit programs call by other numbers
		{Code: load, K: callNumber},
		{Code: atLeast, K: x32, Jt: 3},
		{Code: isEqual, K: unix.SYS_IO_URING_SETUP, Jt: 2},
		{Code: isEqual, K: unix.SYS_SOCKET, Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("forbid system calls: %w", err)
	}
	runtime.KeepAlive(filter)
	return nil
}
