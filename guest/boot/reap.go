package boot

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// reap waits for every process that was orphaned to PID 1, for ever. The agent itself starts none.
func reap() {
	defer DieOnPanic()
	dead := make(chan os.Signal, 1)
	signal.Notify(dead, unix.SIGCHLD)
	for range dead {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
		}
	}
}
