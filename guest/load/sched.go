package load

import "golang.org/x/sys/unix"

// schedule has the kernel treat the calling thread as the load needs it, until the function that it returns is called.
func (w *worker) schedule() (undo func()) {
	switch {
	case w.Rate > 0:
		return beOnTime()
	case w.measures:
		return giveWay()
	}
	return func() {}
}

// beOnTime has the calling thread wake up when its time has come. By default the kernel may let it sleep 50 µs longer, so that it can
// serve several timers at once: at a fixed rate that would be a part of every response time, and none of the server's. A load
// that cannot have it measures those 50 µs too.
func beOnTime() (undo func()) {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil { // ns
		return func() {}
	}
	return func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) } // the thread's default
}

// giveWay keeps the calling thread, until the function that it returns is called, from interrupting others whenever something comes
// for it. A server that shares the processor with a closed load then answers all that it was asked before the clients see the
// first answer: without that, each answer costs two switches between the two, and what is measured is the scheduler. A load
// that cannot give way is slower, and not wrong.
func giveWay() (undo func()) {
	batch := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH}
	if err := unix.SchedSetAttr(0, &batch, 0); err != nil {
		return func() {}
	}
	return func() {
		normal := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}
		_ = unix.SchedSetAttr(0, &normal, 0)
	}
}
