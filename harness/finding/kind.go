package finding

import "slices"

// Kind classifies a finding. Its text is what stands in JSON and in the verdict table.
type Kind string

// Findings of the kernel log.
const (
	// Oops is a fault in kernel mode: a NULL dereference, a general protection fault, an invalid opcode that is no BUG().
	Oops Kind = "oops"
	// PageFault is an oops whose address is mapped to nothing. Class "instruction-fetch" means that the processor
	// was about to execute there; [Symbolize] makes it "unloaded-text" when a module's text used to be at that place.
	PageFault Kind = "page-fault"
	// Bug is BUG() or BUG_ON(), or a "BUG:" line of no other kind.
	Bug Kind = "bug"
	// Warning is WARN() or WARN_ON(), or a "WARNING:" line of no other kind.
	Warning Kind = "warning"
	// Panic is a kernel panic with no report before it that explains it.
	Panic Kind = "panic"
	// KASAN is a memory error that the address sanitizer saw; Class is its words, "slab-use-after-free".
	KASAN Kind = "kasan"
	// KCSAN is a data race; Related holds the stack of the other access.
	KCSAN Kind = "kcsan"
	// KFENCE is a memory error that the sampling allocator saw.
	KFENCE Kind = "kfence"
	// Kmemleak is an object that nothing points to any more, by the kernel's own scan.
	Kmemleak Kind = "kmemleak"
	// Lockdep is a report of the lock validator or of RCU's usage checks; Class is its words.
	Lockdep Kind = "lockdep"
	// LockBug is a lock that is itself wrong: not initialised, already locked by its owner, freed while held.
	LockBug Kind = "lock-bug"
	// DebugObjects is a timer, work item or RCU head used outside its life ("ODEBUG:"), or a kobject likewise.
	DebugObjects Kind = "debug-objects"
	// UBSAN is undefined behaviour; Class is its words, "array-index-out-of-bounds".
	UBSAN Kind = "ubsan"
	// Refcount is a refcount_t that saturated, underflowed or was taken at zero.
	Refcount Kind = "refcount"
	// SleepInAtomic is a function that may sleep, called where that is forbidden.
	SleepInAtomic Kind = "sleep-in-atomic"
	// SchedAtomic is schedule() with preemption disabled, or a context left with it disabled.
	SchedAtomic Kind = "sched-atomic"
	// HungTask is a task that did not leave uninterruptible sleep in time.
	HungTask Kind = "hung-task"
	// SoftLockup is a processor that did not schedule in time.
	SoftLockup Kind = "soft-lockup"
	// HardLockup is a processor that took no interrupt in time.
	HardLockup Kind = "hard-lockup"
	// RCUStall is a grace period that does not end.
	RCUStall Kind = "rcu-stall"
	// WorkqueueStall is a worker pool that makes no progress, or work that hogs it.
	WorkqueueStall Kind = "workqueue-stall"
	// WorkqueueMisuse is a workqueue destroyed while busy, a flush that can deadlock, or work that leaked a lock.
	WorkqueueMisuse Kind = "workqueue-misuse"
	// ListCorruption is a linked list whose pointers disagree.
	ListCorruption Kind = "list-corruption"
	// SlabCorruption is a slab object that was written to after it was freed or beyond its end, or freed twice.
	SlabCorruption Kind = "slab-corruption"
	// SlabLeft is a cache that was destroyed while objects of it were alive: the kernel's own leak report.
	SlabLeft Kind = "slab-left"
	// UserCopy is a copy to or from user space that hardened usercopy refused, or an overflow that
	// FORTIFY_SOURCE saw.
	UserCopy Kind = "usercopy"
	// StackCorruption is a kernel stack that was overrun or whose canary was overwritten.
	StackCorruption Kind = "stack-corruption"
	// BadPage is a page in a state that it must not be in.
	BadPage Kind = "bad-page"
	// OOM is the out-of-memory killer, or an allocation that failed with a stack trace.
	OOM Kind = "oom"
	// SocketState is a socket released in a state in which it must not be.
	SocketState Kind = "socket-state"
	// DuplicateName is a sysfs, proc or cache name that was registered twice.
	DuplicateName Kind = "duplicate-name"
	// NetdevHeld is a network device whose references do not go away, or one tracked as leaked.
	NetdevHeld Kind = "netdev-held"
	// DMA is misuse of the DMA API.
	DMA Kind = "dma"
	// Taint is a taint flag beyond what loading an unsigned module of one's own sets, not explained by another finding.
	Taint Kind = "taint"
	// Splat is something that looks like a report and is of no known kind.
	Splat Kind = "splat"
)

// Findings of the other oracles.
const (
	// Leak is memory allocated by the module and alive after it is gone, by the ledger.
	Leak Kind = "leak"
	// Growth is memory allocated by the module that grows with work that is over.
	Growth Kind = "growth"
	// NotUnloaded is a module that refused to unload, or whose exit did not return before its deadline.
	NotUnloaded Kind = "rmmod"
	// NotReloaded is a module that could not be loaded again after it was unloaded.
	NotReloaded Kind = "reinsert"
	// Survivor is something of the module that outlived it: a thread, a socket, a sysfs or proc entry, a namespace.
	// Class says which.
	Survivor Kind = "survivor"
	// WireFault is what a client saw and should not have: wrong bytes, bad framing, RST where FIN was due.
	WireFault Kind = "wire"
	// Starvation is a client that got no answer because others were connected.
	Starvation Kind = "starvation"
	// Busy is a processor that does not come to rest although nobody asks for anything.
	Busy Kind = "busy"
	// GuestDied is a guest that ended or rebooted by itself.
	GuestDied Kind = "guest-died"
	// GuestSilent is a guest that stopped answering.
	GuestSilent Kind = "guest-silent"
	// OracleBlind is an oracle that could not run: what it would have seen is unknown.
	OracleBlind Kind = "oracle-blind"
)

// Oracle names the check that made a finding. Its text is what stands in JSON.
type Oracle string

// The oracles.
const (
	OracleLog        Oracle = "kernel-log"
	OracleLedger     Oracle = "ledger"
	OracleKmemleak   Oracle = "kmemleak"
	OracleRmmod      Oracle = "rmmod"
	OracleSurvivors  Oracle = "survivors"
	OracleWire       Oracle = "wire"
	OracleStarvation Oracle = "starvation"
	OracleIdle       Oracle = "idle"
	OracleGuest      Oracle = "guest" // the guest's life itself: it must answer
)

// made lists what each oracle makes, beside [OracleBlind], which any of them can be.
var made = map[Oracle][]Kind{
	OracleLog: {
		Oops, PageFault, Bug, Warning, Panic, KASAN, KCSAN, KFENCE, Lockdep, LockBug, DebugObjects, UBSAN, Refcount, SleepInAtomic,
		SchedAtomic, HungTask, SoftLockup, HardLockup, RCUStall, WorkqueueStall, WorkqueueMisuse, ListCorruption, SlabCorruption, SlabLeft,
		UserCopy, StackCorruption, BadPage, OOM, SocketState, DuplicateName, NetdevHeld, DMA, Taint, Splat, Kmemleak,
	},
	OracleLedger:     {Leak, Growth},
	OracleKmemleak:   {Kmemleak},
	OracleRmmod:      {NotUnloaded, NotReloaded},
	OracleSurvivors:  {Survivor},
	OracleWire:       {WireFault},
	OracleStarvation: {Starvation},
	OracleIdle:       {Busy},
	OracleGuest:      {GuestDied, GuestSilent},
}

// Makes reports whether there is an oracle of that name that makes findings of that kind.
func Makes(oracle Oracle, kind Kind) bool { return slices.Contains(made[oracle], kind) }
