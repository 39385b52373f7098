package port

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigset is the kernel's signal set: 64 signals, one bit each.
type sigset uint64

const sigio sigset = 1 << (unix.SIGIO - 1)

// fOwnerEx is struct f_owner_ex.
type fOwnerEx struct {
	kind int32
	pid  int32
}

const (
	sigBlock  = 0 // SIG_BLOCK
	fOwnerTID = 0
	fSetOwnEx = unix.F_SETOWN_EX
)

// armSIGIO has the kernel send SIGIO to the calling thread when something happens at the port, and keeps the signal
// pending for [takeSIGIO]. It reports whether this was done only now.
func (p *Port) armSIGIO() (first bool, err error) {
	flags, err := unix.FcntlInt(uintptr(p.fd), unix.F_GETFL, 0)
	if err != nil {
		return false, fmt.Errorf("read flags of port: %w", err)
	}
	if flags&unix.O_ASYNC != 0 {
		return false, nil
	}
	set := sigio
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, sigBlock, uintptr(unsafe.Pointer(&set)), 0, unsafe.Sizeof(set), 0, 0); errno != 0 {
		return false, fmt.Errorf("block SIGIO: %w", errno)
	}
	owner := fOwnerEx{kind: fOwnerTID, pid: int32(unix.Gettid())}
	if _, _, errno := unix.Syscall(unix.SYS_FCNTL, uintptr(p.fd), fSetOwnEx, uintptr(unsafe.Pointer(&owner))); errno != 0 {
		return false, fmt.Errorf("own SIGIO of port: %w", errno)
	}
	if _, err := unix.FcntlInt(uintptr(p.fd), unix.F_SETFL, flags|unix.O_ASYNC); err != nil {
		return false, fmt.Errorf("ask for SIGIO of port: %w", err)
	}
	return true, nil
}

// takeSIGIO waits for a pending SIGIO of the calling thread, for at most timeout.
func takeSIGIO(timeout time.Duration) error {
	set := sigio
	ts := unix.NsecToTimespec(timeout.Nanoseconds())
	_, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), 0, uintptr(unsafe.Pointer(&ts)), unsafe.Sizeof(set), 0, 0)
	switch errno {
	case 0, unix.EAGAIN, unix.EINTR:
		return nil
	default:
		return fmt.Errorf("wait for SIGIO of port: %w", errno)
	}
}
