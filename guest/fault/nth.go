package fault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrUnsupported is returned by a kernel that cannot inject faults.
var ErrUnsupported = errors.New("the kernel has no fault injection (CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB)")

// faults is where the kernel keeps a directory for each kind of fault. fail-nth counts all kinds: copies from user space, too,
// where the kernel can make them fail.
const faults = "/sys/kernel/debug/fail*/"

// settings are those of each kind, where it has them.
var settings = map[string]string{
	"ignore-gfp-wait": "N", // by default allocations that may sleep are spared
	"min-order":       "0",
	"verbose":         "0", // no backtrace for each
}

// Ready prepares the kernel, or returns [ErrUnsupported].
func Ready() error {
	if _, err := os.Stat("/proc/thread-self/fail-nth"); err != nil {
		return ErrUnsupported
	}
	if _, err := os.Stat("/sys/kernel/debug/failslab"); err != nil {
		return ErrUnsupported
	}
	for name, value := range settings {
		files, err := filepath.Glob(faults + name)
		if err != nil {
			return fmt.Errorf("prepare fault injection: %w", err)
		}
		for _, file := range files {
			if err := os.WriteFile(file, []byte(value), 0); err != nil {
				return fmt.Errorf("prepare fault injection: %w", err)
			}
		}
	}
	return nil
}

// nth makes call, on the thread that it is called on, with its nth allocation failing. It reports whether there was an nth, and what the
// call returned. An error of its own says that the thread cannot be made to fail.
//
// The kernel counts copies from and to user space too, those of this function's own reads and writes among them: where the call had
// fewer than n, one of these may be the nth. It fails with EFAULT then, and nothing is left to be cleared.
func nth(n int, call func() error) (injected bool, callErr, err error) {
	fd, err := unix.Open("/proc/thread-self/fail-nth", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, nil, fmt.Errorf("open fail-nth: %w", err)
	}
	defer unix.Close(fd)
	if _, err := unix.Pwrite(fd, []byte(strconv.Itoa(n)), 0); err != nil {
		return false, nil, fmt.Errorf("set fail-nth: %w", err)
	}
	callErr = call()
	left, err := remaining(fd)
	switch {
	case errors.Is(err, unix.EFAULT):
		return false, callErr, nil
	case err != nil:
		return false, callErr, err
	case left == 0:
		return true, callErr, nil
	}
	if _, err := unix.Pwrite(fd, []byte("0"), 0); err != nil && err != unix.EFAULT {
		return false, callErr, fmt.Errorf("clear fail-nth: %w", err)
	}
	return false, callErr, nil
}

// remaining reads how many allocations there are still to be until one fails, 0 when one has.
func remaining(fd int) (int, error) {
	var text [16]byte
	got, err := unix.Pread(fd, text[:], 0)
	if err != nil {
		return 0, fmt.Errorf("read fail-nth: %w", err)
	}
	left, err := strconv.Atoi(string(bytes.TrimSpace(text[:got])))
	if err != nil {
		return 0, fmt.Errorf("read fail-nth: %w", err)
	}
	return left, nil
}
