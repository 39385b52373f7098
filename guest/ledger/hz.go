package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// rates are the values that CONFIG_HZ can have.
var rates = []uint64{100, 250, 300, 1000}

// jiffiesBefore is how long after boot the lower 32 bits of jiffies are zero: the kernel starts them so to find bugs.
const jiffiesBefore = 300 * time.Second

// readHZ finds out the kernel's CONFIG_HZ, which it tells nobody, from its jiffies and the time since boot.
func readHZ() (uint64, error) {
	text, err := os.ReadFile("/proc/timer_list")
	if err != nil {
		return 0, fmt.Errorf("read jiffies: %w", err)
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &up); err != nil {
		return 0, fmt.Errorf("read uptime: %w", err)
	}
	return findHZ(text, time.Duration(up.Nano()))
}

// findHZ does the calculation: timers is the text of /proc/timer_list at the time up after boot.
func findHZ(timers []byte, up time.Duration) (uint64, error) {
	_, rest, ok := bytes.Cut(timers, []byte("\njiffies: "))
	if !ok {
		return 0, errors.New("no jiffies in /proc/timer_list")
	}
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	jiffies, err := strconv.ParseUint(string(line), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read jiffies: %w", err)
	}
	distance := func(hz uint64) float64 {
		start := float64(uint32(-int64(jiffiesBefore.Seconds()) * int64(hz)))
		return abs(float64(jiffies) - start - up.Seconds()*float64(hz))
	}
	return slices.MinFunc(rates, func(a, b uint64) int {
		if distance(a) < distance(b) {
			return -1
		}
		return 1
	}), nil
}

func abs(x float64) float64 { return max(x, -x) }
