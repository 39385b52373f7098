package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const procDir = "/proc"

// busyWorker ends the name of the kernel thread that destroys namespaces while it does so: the kernel appends the
// workqueue that a worker serves, with a plus while it works and a minus when that was the last thing it did.
const busyWorker = "+netns"

// destroying reports whether the kernel is destroying namespaces right now.
func destroying() (bool, error) { return workerIn(procDir, busyWorker) }

func workerIn(proc, suffix string) (bool, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return false, fmt.Errorf("list kernel threads: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false, fmt.Errorf("list kernel threads: %w", err)
	}
	for _, n := range names {
		if n[0] < '0' || n[0] > '9' {
			continue
		}
		comm, err := os.ReadFile(filepath.Join(proc, n, "comm"))
		if err == nil && strings.HasSuffix(strings.TrimSpace(string(comm)), suffix) {
			return true, nil
		}
	}
	return false, nil
}
