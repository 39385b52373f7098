package survivors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

const procDir = "/proc"

// pfKthread is PF_KTHREAD in the flags of /proc/PID/stat.
const pfKthread = 0x00200000

// ErrFormat is returned for a file of procfs that is not in the format known.
var ErrFormat = errors.New("cannot read format")

// kernelThreads lists the kernel threads, by PID, each as it is now.
func kernelThreads(proc string) ([]wire.Thread, error) {
	return threads(proc, nil, false)
}

// kernelStacks lists them with the stack of each.
func kernelStacks(proc string) ([]wire.Thread, error) {
	return threads(proc, nil, true)
}

// strangers lists the kernel threads, by PID. Those that are known are as they were, but for what signals mean to workers, and are not
// looked at: a PID is not given twice, see the guest's setting of kernel/pid_max, and to look at fifty threads takes the kernel as long
// as to load a module. Of the others it reads the stack, too.
func strangers(proc string, known map[int]wire.Thread) ([]wire.Thread, error) {
	return threads(proc, known, true)
}

// threads lists the kernel threads, by PID. Those that are known are not read; of the others, the stack where that is asked for.
func threads(proc string, known map[int]wire.Thread, stacks bool) ([]wire.Thread, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	var all []wire.Thread
	for _, n := range names {
		pid, err := strconv.Atoi(n)
		if err != nil {
			continue // not a process
		}
		t, ok := known[pid]
		if !ok {
			if t, ok, err = kernelThread(proc, n); err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			if stacks {
				stack, err := os.ReadFile(filepath.Join(proc, n, "stack"))
				if err == nil {
					t.Stack = string(stack)
				}
			}
		}
		if strings.HasPrefix(t.Comm, "kworker/") {
			status, err := os.ReadFile(filepath.Join(proc, n, "status"))
			if ended(err) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("thread status: %w", err)
			}
			alive, err := readSignals(&t, string(status))
			if err != nil {
				return nil, err
			}
			if !alive {
				continue
			}
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b wire.Thread) int { return a.PID - b.PID })
	return all, nil
}

// kernelThread reads one thread. It is false for one of a process, and one that has ended.
func kernelThread(proc, pid string) (t wire.Thread, ok bool, err error) {
	stat, err := os.ReadFile(filepath.Join(proc, pid, "stat"))
	switch {
	case ended(err):
		return t, false, nil
	case err != nil:
		return t, false, fmt.Errorf("thread status: %w", err)
	}
	t, flags, err := parseStat(string(stat))
	return t, err == nil && flags&pfKthread != 0, err
}

// ended tells that a thread is no more.
func ended(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }

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

// readSignals reads from a thread's /proc/PID/status which signals it does not ignore, and which it blocks. It is false for one that has ended
// meanwhile: of that the kernel prints a status without signals.
func readSignals(t *wire.Thread, status string) (alive bool, err error) {
	threads, err := statusField(status, "Threads", 10)
	if err != nil || threads == 0 {
		return false, err
	}
	ignored, err := statusField(status, "SigIgn", 16)
	if err != nil {
		return false, err
	}
	blocked, err := statusField(status, "SigBlk", 16)
	if err != nil {
		return false, err
	}
	t.Heeds, t.Blocks = mask(^ignored), mask(blocked)
	return true, nil
}

// statusField reads a number of /proc/PID/status: "SigIgn:\tffffffffffffffff".
func statusField(status, name string, base int) (uint64, error) {
	_, rest, ok := strings.Cut(status, "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	value, err := strconv.ParseUint(strings.TrimSpace(line), base, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("thread status, %s in %q: %w", name, status, ErrFormat)
	}
	return value, nil
}

// mask writes a set of signals, "" where it is empty.
func mask(signals uint64) string {
	if signals == 0 {
		return ""
	}
	return fmt.Sprintf("%#x", signals)
}
