package kmemleak

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// ErrAbsent is returned by kernels that were built without kmemleak, or that have switched it off.
var ErrAbsent = errors.New("this kernel does not look for leaks")

// minAge is how old an object must be when a scan begins (MSECS_MIN_AGE), and a few ticks.
const minAge = 5*time.Second + 50*time.Millisecond

// Scanner is the kernel's kmemleak.
type Scanner struct {
	mu   sync.Mutex // two callers would halve each other's scans
	file string
	// timers is /proc/timer_list, where the kernel tells jiffies and the time at once.
	timers string
	// now is the guest's clock, and sleep waits by it.
	now   func() (time.Duration, error)
	sleep func(time.Duration)
}

// New returns the scanner of the running kernel.
func New() *Scanner {
	return &Scanner{file: "/sys/kernel/debug/kmemleak", timers: "/proc/timer_list", now: monotonic, sleep: time.Sleep}
}

// Scan tells what nothing points to of all that is there now.
func (s *Scanner) Scan(wire.None) (wire.KmemleakAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began, err := s.now()
	if err != nil {
		return wire.KmemleakAnswer{}, err
	}
	if err := s.scan(); err != nil {
		return wire.KmemleakAnswer{}, err
	}
	now, err := s.now()
	if err != nil {
		return wire.KmemleakAnswer{}, err
	}
	if young := began + minAge - now; young > 0 {
		s.sleep(young)
	}
	if err := s.scan(); err != nil {
		return wire.KmemleakAnswer{}, err
	}
	text, err := os.ReadFile(s.file)
	if err != nil {
		return wire.KmemleakAnswer{}, fmt.Errorf("read kmemleak: %w", err)
	}
	answer := wire.KmemleakAnswer{Text: string(text), Scan: now - began}
	timers, err := os.ReadFile(s.timers)
	if err != nil {
		return wire.KmemleakAnswer{}, fmt.Errorf("read jiffies: %w", err)
	}
	answer.Jiffies, answer.Now, err = parseTimers(string(timers))
	return answer, err
}

var (
	nowRE     = regexp.MustCompile(`(?m)^now at (\d+) nsecs$`)
	jiffiesRE = regexp.MustCompile(`(?m)^jiffies: (\d+)$`)
)

// parseTimers reads jiffies, and the time on CLOCK_MONOTONIC, from /proc/timer_list.
func parseTimers(text string) (jiffies uint64, now time.Duration, err error) {
	n, j := nowRE.FindStringSubmatch(text), jiffiesRE.FindStringSubmatch(text)
	if n == nil || j == nil {
		return 0, 0, errors.New("no time or no jiffies in /proc/timer_list")
	}
	ns, err1 := strconv.ParseInt(n[1], 10, 64)
	jiffies, err2 := strconv.ParseUint(j[1], 10, 64)
	return jiffies, time.Duration(ns), errors.Join(err1, err2)
}

// scan has the kernel scan and returns when it has.
func (s *Scanner) scan() error {
	f, err := os.OpenFile(s.file, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: there is no %s", ErrAbsent, s.file)
	}
	if err != nil {
		return fmt.Errorf("scan for leaks: %w", err)
	}
	_, err = f.WriteString("scan")
	err = errors.Join(err, f.Close())
	switch {
	case errors.Is(err, unix.EPERM): // it ran out of memory for its own records, or was switched off
		return fmt.Errorf("%w: it is disabled: %w", ErrAbsent, err)
	case err != nil:
		return fmt.Errorf("scan for leaks: %w", err)
	}
	return nil
}

// monotonic is CLOCK_MONOTONIC.
func monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
