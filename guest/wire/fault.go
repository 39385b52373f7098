package wire

import "time"

// Sweep has a system call fail at its first, second, ... allocation, by the kernel's fault injection.
var Sweep = Op[SweepRequest, SweepAnswer]{"sweep"}

// SweepRequest names the system call, exactly one of its parts, and which allocations are to fail: First, the one Stride after it and so
// on, Count in all, or until the call makes no more. What a call that succeeds has done is undone before the next.
type SweepRequest struct {
	First  int `json:"first"` // from 1
	Count  int `json:"count"`
	Stride int `json:"stride"` // 1: each; 7: every seventh

	Insmod *InsmodRequest `json:"insmod,omitempty"` // undone by rmmod
	Write  *WriteRequest  `json:"write,omitempty"`  // undone by writing Undo
	Undo   []byte         `json:"undo,omitempty"`
	Netns  bool           `json:"netns,omitempty"` // unshare(CLONE_NEWNET); undone by the thread's end

	Deadline time.Duration `json:"deadline"` // guest time for the undoing
}

// SweepAnswer tells how each call went.
type SweepAnswer struct {
	Steps []SweepStep `json:"steps"`
	// Undisturbed is the call that made no allocation that was to fail: there is nothing left to sweep. N is one more than
	// the number of its allocations.
	Undisturbed *SweepStep `json:"undisturbed,omitempty"`
}

// SweepStep is one call.
type SweepStep struct {
	N     int    `json:"n"`               // which allocation failed
	Errno int    `json:"errno,omitempty"` // of the call; 0: it went on without
	Undo  string `json:"undo,omitempty"`  // why it could not be undone
}

// FailThreads has the kernel's own threads fail at an allocation; ThreadsFailed ends that.
var (
	FailThreads   = Op[FailThreadsRequest, None]{"fail-threads"}
	ThreadsFailed = Op[None, ThreadsFailedAnswer]{"threads-failed"}
)

// FailThreadsRequest says at which of its allocations from now on each thread fails, once.
type FailThreadsRequest struct {
	N int `json:"n"` // from 1
}

// ThreadsFailedAnswer tells which threads have failed at an allocation, as "kworker/u4:1".
type ThreadsFailedAnswer struct {
	Failed []string `json:"failed,omitempty"`
}
