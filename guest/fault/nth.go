package fault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrUnsupported is returned by a kernel that cannot inject faults.
var ErrUnsupported = errors.New("the kernel has no fault injection (CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB)")

// settings make every kind of allocation fail where it is asked to: by default those that may sleep are spared.
var settings = map[string]string{
	"/sys/kernel/debug/failslab/ignore-gfp-wait":        "N",
	"/sys/kernel/debug/failslab/verbose":                "0", // no backtrace for each
	"/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait": "N",
	"/sys/kernel/debug/fail_page_alloc/min-order":       "0",
	"/sys/kernel/debug/fail_page_alloc/verbose":         "0",
}

// Ready prepares the kernel, or returns [ErrUnsupported].
func Ready() error {
	if _, err := os.Stat("/proc/thread-self/fail-nth"); err != nil {
		return ErrUnsupported
	}
	if _, err := os.Stat("/sys/kernel/debug/failslab"); err != nil {
		return ErrUnsupported
	}
	for file, value := range settings {
		err := os.WriteFile(file, []byte(value), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("prepare fault injection: %w", err)
		}
	}
	return nil
}

// nth makes call, on the thread that it is called on, with its nth allocation failing. It reports whether there was an nth.
func nth(n int, call func() error) (injected bool, err error) {
	fd, err := unix.Open("/proc/thread-self/fail-nth", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("open fail-nth: %w", err)
	}
	defer unix.Close(fd)
	if _, err := unix.Pwrite(fd, []byte(strconv.Itoa(n)), 0); err != nil {
		return false, fmt.Errorf("set fail-nth: %w", err)
	}
	callErr := call()
	var text [16]byte
	got, err := unix.Pread(fd, text[:], 0)
	if err != nil {
		return false, fmt.Errorf("read fail-nth: %w", err)
	}
	left, err := strconv.Atoi(string(bytes.TrimSpace(text[:got])))
	if err != nil {
		return false, fmt.Errorf("read fail-nth: %w", err)
	}
	if left == 0 {
		return true, callErr
	}
	if _, err := unix.Pwrite(fd, []byte("0"), 0); err != nil {
		return false, fmt.Errorf("clear fail-nth: %w", err)
	}
	return false, callErr
}
