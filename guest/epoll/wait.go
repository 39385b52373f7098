// Package epoll waits for events without the Go scheduler's knowledge, for threads that are to cost no more than those of a program in
// C.
//
// A peer takes longer to answer than the Go scheduler is patient with a thread in the kernel. The scheduler would give the thread's
// processor away each time, and its watchdog, which sleeps 20 µs at a time as long as it finds somebody to take a processor from,
// would be a good part of all that an emulated processor does. On a guest that counts instructions each timer also has QEMU change
// threads twice, for which a busy host makes it wait: minutes for a few thousand requests.
//
// Its contract: the world can be stopped after [Quiet] at the latest.
package epoll

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Quiet is how long a wait is kept from the scheduler. It is more than the kernel's tick, so that the timer of the wait is not the next
// to expire, and seldom has to be set.
const Quiet = 20 * time.Millisecond

// Forever is a timeout that never comes.
const Forever time.Duration = -1

// Wait waits for events, and returns how many there are: 0 when the timeout has come, which is not rounded to milliseconds as
// that of epoll_wait(2). A signal ends it with EINTR: the runtime sends its own to a thread that it believes to be busy, unless
// GODEBUG has asyncpreemptoff=1, as in guests.
func Wait(fd int, events []unix.EpollEvent, timeout time.Duration) (int, error) {
	first := Quiet
	if timeout >= 0 {
		first = min(first, timeout)
	}
	ts := unix.NsecToTimespec(int64(first))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(fd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	if n == 0 && errno == 0 && timeout != first {
		rest := &ts
		if timeout < 0 {
			rest = nil
		} else {
			ts = unix.NsecToTimespec(int64(timeout - first))
		}
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(fd), uintptr(unsafe.Pointer(&events[0])),
			uintptr(len(events)), uintptr(unsafe.Pointer(rest)), 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
