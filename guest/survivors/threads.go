package survivors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ktcp/guest/wire"
)

const procDir = "/proc"

// pfKthread is PF_KTHREAD in the flags of /proc/PID/stat.
const pfKthread = 0x00200000

// ErrFormat is returned for a file of procfs that is not in the format known.
var ErrFormat = errors.New("cannot read format")

// kernelThreads lists the kernel threads, by PID. Of those that are not known it also reads the kernel stack; nil
// means that all are known.
func kernelThreads(proc string, known map[int]bool) ([]wire.Thread, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	var threads []wire.Thread
	for _, n := range names {
		if !isNumber(n) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(proc, n, "stat"))
		if err != nil {
			continue // it has ended
		}
		t, flags, err := parseStat(string(stat))
		if err != nil {
			return nil, err
		}
		if flags&pfKthread == 0 {
			continue
		}
		if known != nil && !known[t.PID] {
			stack, err := os.ReadFile(filepath.Join(proc, n, "stack"))
			if err == nil {
				t.Stack = string(stack)
			}
		}
		if strings.HasPrefix(t.Comm, "kworker/") {
			status, err := os.ReadFile(filepath.Join(proc, n, "status"))
			if err == nil {
				t.Heeds = heeds(string(status))
			}
		}
		threads = append(threads, t)
	}
	slices.SortFunc(threads, func(a, b wire.Thread) int { return a.PID - b.PID })
	return threads, nil
}

// parseStat reads what is wanted of /proc/PID/stat: "12 (name (of any kind)) S 2 0 0 0 -1 2129984 ...".
func parseStat(stat string) (t wire.Thread, flags uint64, err error) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return t, 0, fmt.Errorf("thread status %q: %w", stat, ErrFormat)
	}
	// After the name: state, parent, group, session, terminal, its group, flags.
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 7 {
		return t, 0, fmt.Errorf("thread status %q: %w", stat, ErrFormat)
	}
	t.Comm, t.State = stat[open+1:end], fields[0]
	if t.PID, err = strconv.Atoi(strings.TrimSpace(stat[:open])); err != nil {
		return t, 0, fmt.Errorf("thread status %q: %w", stat, ErrFormat)
	}
	if flags, err = strconv.ParseUint(fields[6], 10, 64); err != nil {
		return t, 0, fmt.Errorf("thread status %q: %w", stat, ErrFormat)
	}
	return t, flags, nil
}

// heeds returns the mask of the signals that a thread does not ignore, or "" where it ignores all, from its /proc/PID/status.
func heeds(status string) string {
	_, rest, ok := strings.Cut(status, "\nSigIgn:")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	ignored, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil || ignored == ^uint64(0) {
		return ""
	}
	return fmt.Sprintf("%#x", ^ignored)
}
