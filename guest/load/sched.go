package load

import "golang.org/x/sys/unix"

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
