package survivors

import "ktcp/guest/wire"

// Threads lists the kernel threads.
func Threads() ([]wire.Thread, error) { return kernelThreads(procDir) }

// Running lists the kernel threads that want to run, and where they are.
func Running() ([]wire.Thread, error) {
	all, err := kernelStacks(procDir)
	if err != nil {
		return nil, err
	}
	var running []wire.Thread
	for _, t := range all {
		if t.State == "R" {
			running = append(running, t)
		}
	}
	return running, nil
}
