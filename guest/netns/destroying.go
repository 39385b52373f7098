package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const procDir = "/proc"

// busyWorker ends the name of the kernel thread that destroys namespaces while it does so: the kernel appends the
// workqueue that a worker serves, with a plus while it works and a minus when that was the last thing it did.
const busyWorker = "+netns"

// workers looks at the kernel's workers. Reading the names of all threads takes the kernel as long as making a namespace, so those that are no
// workers are asked once: a thread does not become one, and a PID is not given twice, see the guest's setting of kernel/pid_max.
type workers struct {
	proc string

	mu     sync.Mutex
	others map[string]bool // PIDs of what is no worker
}

func newWorkers(proc string) *workers { return &workers{proc: proc, others: map[string]bool{}} }

// unnamed is what a thread of the kernel is called until whoever made it has named it.
const unnamed = "kthreadd"

// in reports whether the name of a worker ends in suffix.
func (w *workers) in(suffix string) (bool, error) {
	dir, err := os.Open(w.proc)
	if err != nil {
		return false, fmt.Errorf("list kernel threads: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false, fmt.Errorf("list kernel threads: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range names {
		if n[0] < '0' || n[0] > '9' || w.others[n] {
			continue
		}
		text, err := os.ReadFile(filepath.Join(w.proc, n, "comm"))
		if err != nil {
			continue // it has ended
		}
		comm := strings.TrimSpace(string(text))
		switch {
		case strings.HasPrefix(comm, "kworker/"):
			if strings.HasSuffix(comm, suffix) {
				return true, nil
			}
		case comm != unnamed:
			w.others[n] = true
		}
	}
	return false, nil
}

// destroying reports whether the kernel is destroying namespaces right now.
func (t *Table) destroying() (bool, error) { return t.workers.in(busyWorker) }
