package main

import (
	"fmt"
	"os"
	"strconv"
)

// monitorSlack is by how much the Go runtime's monitor may wake too late, in nanoseconds.
const monitorSlack = 10_000_000

// quietRuntime keeps the Go runtime from disturbing itself. Its monitor, a thread that looks every 20 µs for others that have been in a
// system call for that long, takes the processor from them each time: in a guest any system call takes as long as that, and to wake up
// takes longer than to do what was asked for. Half of a guest's time went into it. So its timer gets slack. What it is for, to give away
// what a blocked thread holds of the scheduler, is not needed as long as there is more of that than processors: see GOMAXPROCS on the
// kernel's command line, which is the agent's alone and not for the programs that it starts.
func quietRuntime() error {
	if err := os.Unsetenv("GOMAXPROCS"); err != nil {
		return err
	}
	tid, err := monitor("/proc/self/task")
	if err != nil {
		return err
	}
	return os.WriteFile(fmt.Sprintf("/proc/%d/timerslack_ns", tid), strconv.AppendInt(nil, monitorSlack, 10), 0)
}

// monitor returns the thread of the runtime's monitor: the runtime starts it before any other (runtime.main in the runtime's proc.go),
// and in a guest thread IDs only grow. dir is the process's directory of threads.
func monitor(dir string) (tid int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("find the runtime's monitor: %w", err)
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err == nil && n != os.Getpid() && (tid == 0 || n < tid) {
			tid = n
		}
	}
	if tid == 0 {
		return 0, fmt.Errorf("find the runtime's monitor: no thread but the first in %s", dir)
	}
	return tid, nil
}
