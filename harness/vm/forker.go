package vm

import (
	"runtime"
	"sync"
)

// forker is a thread that starts every QEMU. The kernel kills QEMU when the thread that forked it ends (the
// "parent" of PR_SET_PDEATHSIG is a thread), and the Go runtime may end any thread on which a goroutine exits
// while locked to it. This one never exits: it lasts as long as the process.
var forker = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// onForker runs f on the forker's thread.
func onForker(f func()) {
	done := make(chan struct{})
	forker() <- func() {
		defer close(done)
		f()
	}
	<-done
}
