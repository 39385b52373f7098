package main

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// clock gives a guest its own time and randomness. What it needs is opened before the template is saved.
type clock struct {
	random  int // /dev/urandom, which takes the random ioctls
	release string
	cpus    int
}

func newClock() (*clock, error) {
	fd, err := unix.Open("/dev/urandom", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/urandom: %w", err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	return &clock{random: fd, release: unix.ByteSliceToString(u.Release[:]), cpus: runtime.NumCPU()}, nil
}

// hello sets the clock, mixes the seed into the kernel's random numbers and has them used at once. A request without time
// or seed leaves that alone.
func (c *clock) hello(req wire.HelloRequest) (wire.HelloAnswer, error) {
	if req.UnixNano != 0 {
		tv := unix.NsecToTimeval(req.UnixNano)
		if err := unix.Settimeofday(&tv); err != nil {
			return wire.HelloAnswer{}, fmt.Errorf("set clock: %w", err)
		}
	}
	if len(req.Seed) > 0 {
		if err := c.reseed(req.Seed); err != nil {
			return wire.HelloAnswer{}, err
		}
	}
	up, err := uptime()
	if err != nil {
		return wire.HelloAnswer{}, err
	}
	return wire.HelloAnswer{Version: wire.Version, Release: c.release, CPUs: c.cpus, Uptime: up}, nil
}

// reseed adds seed to the kernel's entropy with full credit and has the generator take it up now: without
// RNDRESEEDCRNG the clones of a template would give the same random numbers until the next reseed, a minute later.
func (c *clock) reseed(seed []byte) error {
	// struct rand_pool_info: bits of entropy, bytes of buffer, buffer.
	info := make([]byte, 8+len(seed))
	binary.NativeEndian.PutUint32(info, uint32(8*len(seed)))
	binary.NativeEndian.PutUint32(info[4:], uint32(len(seed)))
	copy(info[8:], seed)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.random), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&info[0]))); errno != 0 {
		return fmt.Errorf("add entropy: %w", errno)
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.random), rndReseedCRNG, 0); errno != 0 {
		return fmt.Errorf("reseed random numbers: %w", errno)
	}
	return nil
}

// rndReseedCRNG is RNDRESEEDCRNG, _IO('R', 0x07).
const rndReseedCRNG = 0x5207

// uptime is the time since the kernel booted.
func uptime() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, fmt.Errorf("read uptime: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
