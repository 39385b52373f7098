package program

import (
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// end is how a process ended.
type end struct {
	status unix.WaitStatus
	usage  unix.Rusage
}

// children are the processes that somebody waits for. The lock is held while one is started, so that its end is not
// seen before it is known.
var children = struct {
	sync.Mutex
	waiting map[int]chan<- end
}{waiting: map[int]chan<- end{}}

// Reap waits for every process that ends, also for those that were orphaned to PID 1, for ever. It must run where
// programs are started.
func Reap() {
	dead := make(chan os.Signal, 1)
	signal.Notify(dead, unix.SIGCHLD)
	for {
		reapAll()
		<-dead
	}
}

func reapAll() {
	children.Lock()
	defer children.Unlock()
	for {
		var e end
		pid, err := unix.Wait4(-1, &e.status, unix.WNOHANG, &e.usage)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		if tell, ok := children.waiting[pid]; ok {
			delete(children.waiting, pid)
			tell <- e // it has room
		}
	}
}
