package finding

import "regexp"

// shape describes one form of kernel report by the line that opens it.
type shape struct {
	head  *regexp.Regexp // its group "class" becomes the finding's Class, "task" its Task, "addr" its Address
	kind  Kind           // "" for a report that is harmless: it is read to its end and dropped
	class string         // Class where head has no such group
	body  body
	why   string // for harmless ones: why
}

// body says what follows the opening line and how the report ends.
type body int

const (
	// bodyTrace: registers and a stack dump; ends with the "end trace" mark, or with the dump where there is none.
	bodyTrace body = iota
	// bodyLine: nothing need follow; a stack dump that does belongs to it.
	bodyLine
	// bodyBar: prose and stack dumps up to a line of "=" or the "end trace" mark.
	bodyBar
	// bodyLockdep: prose and stack dumps up to the end of the one below "stack backtrace:".
	bodyLockdep
	// bodyProse: prose and stack dumps with no mark at their end: ends with the next report or when the log pauses.
	bodyProse
)

func sh(kind Kind, body body, head string) shape {
	return shape{head: regexp.MustCompile(head), kind: kind, body: body}
}

func (s shape) as(class string) shape { s.class = class; return s }

func harmless(body body, head, why string) shape {
	s := sh("", body, head)
	s.why = why
	return s
}

// shapes lists the reports of Linux 6.1 and 6.12 that open with a line of their own, the more particular first. WARN() and BUG() with
// a message open with "cut here" instead: see messages.
var shapes = []shape{
	harmless(bodyTrace, `^unchecked MSR access error: `, "the emulated processor lacks a register; no module of ours touches one"),
	harmless(bodyLine, `^INFO: NMI handler \(.*\) took too long to run`, "a matter of the host's speed"),
	harmless(bodyLine, `^INFO: lockdep is turned off`, "says that an earlier report, which is a finding, ended lockdep"),
	harmless(bodyLine, `^INFO: Stall ended before state dump start`, "part of a stall that is a finding"),
	harmless(bodyLine, `^WARNING: Spectre|^Spectre V2 : WARNING|^RETBleed: WARNING|^MDS: |^WARNING: .*(?:mitigation|eBPF)`, "the guest's processor model, not the module"),

	// Memory errors seen by instrumentation.
	sh(KASAN, bodyBar, `^BUG: KASAN: (?P<class>[\w-]+(?: [\w-]+)??) in \S`),
	sh(KASAN, bodyBar, `^BUG: KASAN: (?P<class>[\w-]+)`),
	sh(KASAN, bodyTrace, `^KASAN: (?P<class>(?:probably |maybe )?[\w-]+) in range`),
	sh(KCSAN, bodyBar, `^BUG: KCSAN: (?P<class>[\w-]+) in `),
	sh(KFENCE, bodyBar, `^BUG: KFENCE: (?P<class>[\w-]+(?: [\w-]+)?) in `),
	sh(Kmemleak, bodyProse, `^kmemleak: unreferenced object (?P<addr>0x[0-9a-f]+)`),
	sh(Kmemleak, bodyProse, `^unreferenced object (?P<addr>0x[0-9a-f]+)`),
	sh(Kmemleak, bodyLine, `^kmemleak: \d+ new suspected memory leaks`),
	sh(UBSAN, bodyBar, `^UBSAN: (?P<class>[\w-]+(?: [\w-]+)??) in \S`),

	// Faults.
	sh(Oops, bodyTrace, `^BUG: kernel NULL pointer dereference, address: (?P<addr>[0-9a-f]+)`).as("null-dereference"),
	sh(PageFault, bodyTrace, `^BUG: unable to handle page fault for address: (?P<addr>[0-9a-f]+)`),
	sh(PageFault, bodyTrace, `^BUG: unable to handle kernel .* at (?P<addr>[0-9a-f]+)`),
	sh(StackCorruption, bodyTrace, `^BUG: .*stack guard page was hit at`).as("stack-overflow"),
	sh(StackCorruption, bodyTrace, `^(?:PANIC: )?double fault`).as("double-fault"),
	sh(StackCorruption, bodyLine, `^Thread overran stack, or stack corrupted`).as("stack-overflow"),
	sh(Oops, bodyTrace, `^(?:Oops: )?general protection fault`).as("general-protection-fault"),
	sh(Oops, bodyTrace, `^(?:Oops: )?invalid opcode: `).as("invalid-opcode"),
	sh(Oops, bodyTrace, `^(?:Oops: )?(?P<class>divide error|bounds|stack segment|segment not present|alignment check|int3|stack guard page|control protection): `),
	sh(Oops, bodyTrace, `^Oops(?:: |$)`),
	sh(Oops, bodyTrace, `^(?:kernel tried to execute|traps: Missing ENDBR:)`).as("instruction-fetch"),

	// BUG() and WARN() without a message of their own.
	sh(Bug, bodyTrace, `^[kK]ernel BUG at `),
	sh(Warning, bodyTrace, `^WARNING: CPU: \d+ PID: \d+ `),

	// Locks, in lockdep's words.
	sh(Lockdep, bodyLockdep, `^WARNING: (?P<class>possible circular locking dependency|possible recursive locking|possible irq lock inversion dependency|`+
		`inconsistent lock state|suspicious RCU usage|held lock freed|bad unlock balance|bad contention|`+
		`Nested lock was not taken|lock held when returning to user space|chain_key collision|\S+ still has locks held|`+
		`\S+-safe -> \S+-unsafe lock order|Invalid wait context)`),
	sh(Lockdep, bodyLockdep, `^\[ BUG: (?P<class>[^\]]*?)!? *\]`),
	sh(Lockdep, bodyTrace, `^INFO: trying to register non-static key`).as("non-static key"),
	sh(Lockdep, bodyTrace, `^BUG: (?P<class>MAX_\w+ too low|looking up invalid subclass|key \S+ has not been registered)`),
	sh(LockBug, bodyTrace, `^BUG: (?P<class>(?:spinlock|rwlock) .*?) on CPU#\d+, (?P<task>\S+/\d+)`),

	// Context.
	sh(SleepInAtomic, bodyTrace, `^BUG: sleeping function called from invalid context`),
	sh(SchedAtomic, bodyTrace, `^BUG: scheduling while atomic: (?P<task>\S+/\d+)/`),
	sh(SchedAtomic, bodyTrace, `^BUG: scheduling in a non-blocking section: (?P<task>\S+/\d+)/`),
	sh(SchedAtomic, bodyTrace, `^BUG: using (?:__this_cpu_\w+\(\)|smp_processor_id\(\)) in preemptible`).as("preemptible"),
	sh(SchedAtomic, bodyTrace, `^BUG: assuming (?:atomic|non migratable) context at`),
	sh(SchedAtomic, bodyTrace, `^bad: scheduling from the idle thread`).as("idle thread"),
	sh(SchedAtomic, bodyLine, `^(?:softirq:|huh, entered softirq).*preempt_count`).as("imbalance"),
	sh(WorkqueueMisuse, bodyTrace, `^BUG: workqueue leaked`).as("leaked lock or atomic"),

	// Things that stand still.
	sh(HungTask, bodyTrace, `^INFO: task (?P<comm>.+):(?P<pid>\d+) (?:is )?blocked (?:on .* )?for more than \d+ seconds`),
	sh(HungTask, bodyTrace, `^INFO: task \S+ is blocked on`),
	sh(SoftLockup, bodyTrace, `^(?:watchdog: )?BUG: soft lockup - CPU#\d+ stuck for \d+s! \[(?P<comm>.*):(?P<pid>\d+)\]`),
	sh(HardLockup, bodyTrace, `^(?:watchdog: )?(?:Watchdog detected hard LOCKUP|CPU\d+: Watchdog detected hard LOCKUP|BUG: Hard LOCKUP)`),
	sh(RCUStall, bodyProse, `^(?:rcu: )?INFO: (?P<class>\w+) (?:self-)?detected (?:expedited )?stalls?`),
	sh(RCUStall, bodyProse, `^rcu: (?P<class>\w+): wakeup by timer|^rcu: (?:\w+) kthread (?:timer wakeup didn't happen|starved) for`),
	sh(WorkqueueStall, bodyProse, `^BUG: workqueue lockup - pool`),
	sh(WorkqueueStall, bodyLine, `^workqueue \S+: (?P<class>\w+\(\) isn't complete) after`),

	// Memory management.
	sh(SlabLeft, bodyProse, `^BUG (?P<class>\S+) \(.*\): Objects remaining`),
	sh(SlabCorruption, bodyProse, `^BUG (?P<class>\S+) \(.*\): `),
	sh(BadPage, bodyTrace, `^BUG: Bad (?:page|rss-counter|pagetable|page map|page cache)`),
	sh(BadPage, bodyTrace, `^BUG: non-zero pgtables_bytes`),
	sh(OOM, bodyProse, `^(?P<task>.+) invoked oom-killer: `).as("oom-killer"),
	sh(OOM, bodyLine, `^(?:Memory cgroup out|Out) of memory: Killed process`).as("oom-killer"),
	sh(OOM, bodyProse, `^(?P<task>.+): page allocation failure: order:`).as("allocation-failure"),
	sh(OOM, bodyProse, `^(?P<task>.+): vmalloc error: `).as("allocation-failure"),
	sh(OOM, bodyLine, `^TCP: out of memory`).as("tcp"),

	// Objects and names.
	sh(DuplicateName, bodyTrace, `^sysfs: cannot create duplicate filename`).as("sysfs"),
	sh(DuplicateName, bodyLine, `^kobject: kobject_add_internal failed for .* with -EEXIST`).as("kobject"),
	sh(DebugObjects, bodyTrace, `^(?:kobject: )?kobject (?:'.*' )?\(.*\): (?P<class>tried to init an initialized object|tried to add an uninitialized object)`),
	sh(DebugObjects, bodyLine, `^kobject: .*does not have a release\(\) function`).as("no release()"),
	sh(SocketState, bodyLine, `^IPv[46]: Attempt to release (?P<class>TCP socket in state \d+|alive inet6? socket)`),
	sh(NetdevHeld, bodyProse, `^unregister_netdevice: waiting for \S+ to become free`),
	sh(NetdevHeld, bodyProse, `^(?:ref_tracker: |leaked reference)`).as("reference"),
	sh(DMA, bodyTrace, `^DMA-API: .*`),

	// Panic by itself. Those that only follow from a report are told apart by consequence.
	sh(StackCorruption, bodyTrace, `^Kernel panic - not syncing: stack-protector`).as("stack-protector"),
	sh(StackCorruption, bodyTrace, `^Kernel panic - not syncing: corrupted stack end`).as("stack-overflow"),
	sh(OOM, bodyTrace, `^Kernel panic - not syncing: (?:System is deadlocked on memory|Out of memory)`),
	sh(Panic, bodyTrace, `^Kernel panic - not syncing`),

	// Whatever else calls itself a bug.
	sh(Bug, bodyTrace, `^BUG: `),
	sh(Bug, bodyLine, `^BUG [\w-]+`),
	sh(Warning, bodyTrace, `^WARNING: `),
	sh(Splat, bodyTrace, `^INFO: (?:suspicious|possible|inconsistent|rcu|task|trying) `),
}

// messages gives the kind of a WARN() or BUG() by the message that is printed with it, between "cut here" and the line that says
// where.
var messages = []shape{
	sh(Refcount, bodyTrace, `^refcount_t: (?P<class>[^;.]+)`),
	sh(ListCorruption, bodyTrace, `^(?P<class>list_(?:add|del)(?: corruption| double add)|.* list is corrupted)`),
	sh(DebugObjects, bodyTrace, `^ODEBUG: (?P<class>\w+ \w+).* object type: `),
	sh(DebugObjects, bodyTrace, `^ODEBUG: (?P<class>.*)`),
	sh(DebugObjects, bodyTrace, `^kobject: .* (?P<class>is not initialized, yet kobject_\w+\(\))`),
	sh(SchedAtomic, bodyTrace, `^timer: .* (?P<class>preempt leak): `),
	sh(SchedAtomic, bodyTrace, `^initcall .* returned with (?P<class>preemption imbalance|disabled interrupts)`),
	sh(DuplicateName, bodyTrace, `^proc_dir_entry '.*' already registered`).as("proc"),
	sh(DuplicateName, bodyTrace, `^kmem_cache of name '.*' already exists`).as("slab"),
	sh(Survivor, bodyTrace, `^remove_proc_entry: removing non-empty directory`).as("proc"),
	sh(SlabLeft, bodyTrace, `^kmem_cache_destroy (?P<class>\S+): Slab cache still has objects`),
	sh(UserCopy, bodyTrace, `^usercopy: (?P<class>Kernel memory (?:exposure|overwrite)) attempt`),
	sh(UserCopy, bodyTrace, `^(?:detected buffer overflow in|(?P<class>memcpy|memset|memmove|strcpy|strncpy|strlcpy|strcat|\w+): detected (?:buffer overflow|field-spanning write|\d+ byte))`),
	sh(UserCopy, bodyTrace, `^Buffer overflow detected`),
	sh(WorkqueueMisuse, bodyTrace, `^workqueue: (?:WQ_MEM_RECLAIM|PF_MEMALLOC)`).as("flush dependency"),
	sh(DMA, bodyTrace, `^DMA-API: `),
	sh(SlabCorruption, bodyTrace, `^cache_from_obj: Wrong slab cache`).as("wrong cache"),
}

// sites gives the kind of a WARN() or BUG() without a message by the kernel's function that it stands in.
var sites = []struct {
	fn    *regexp.Regexp
	kind  Kind
	class string
}{
	{regexp.MustCompile(`^(?:destroy_workqueue|check_flush_dependency|__flush_work|__flush_workqueue|__queue_work|__queue_delayed_work)$`), WorkqueueMisuse, ""},
	{regexp.MustCompile(`^inet6?_sock_destruct$|^sk_stream_kill_queues$|^inet_csk_\w+$|^tcp_\w+$`), SocketState, ""},
	{regexp.MustCompile(`^refcount_warn_saturate$`), Refcount, ""},
	{regexp.MustCompile(`^debug_print_object$|^debug_object_\w+$`), DebugObjects, ""},
	{regexp.MustCompile(`^__list_\w+_valid(?:_or_report)?$`), ListCorruption, ""},
	{regexp.MustCompile(`^usercopy_abort$`), UserCopy, ""},
	{regexp.MustCompile(`^lockdep_\w+$|^__lock_acquire$|^lock_release$|^check_flags\w*$`), Lockdep, ""},
	{regexp.MustCompile(`^rcu_\w+$|^__rcu_\w+$`), Lockdep, "rcu"},
	{regexp.MustCompile(`^__alloc_pages\w*$`), OOM, "allocation too large"},
	{regexp.MustCompile(`^kmem_cache_destroy$`), SlabLeft, ""},
	{regexp.MustCompile(`^schedule_idle$`), SchedAtomic, "idle thread"},
	{regexp.MustCompile(`^preempt_count_(?:add|sub)$`), SchedAtomic, "imbalance"},
	{regexp.MustCompile(`^ref_tracker_\w+$`), NetdevHeld, "reference"},
}

// consequence matches panics that follow from a report before them and say nothing new.
var consequence = regexp.MustCompile(`^Kernel panic - not syncing: (?:Fatal exception|hung_task|softlockup|RCU Stall|Hard LOCKUP|` +
	`.*panic_on_warn|.*warned too often|Attempted to kill|workqueue|panic_on_|kernel: panic_on|BUG!|KASAN|UBSAN|.*: panic_on)`)

// match returns the shape that a line opens, and the values of its head's groups.
func match(table []shape, text string) (shape, map[string]string) {
	if text == "" || text[0] == ' ' || text[0] == '\t' {
		return shape{}, nil // within a report
	}
	for _, s := range table {
		m := s.head.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		values := map[string]string{"class": s.class}
		for i, name := range s.head.SubexpNames() {
			if name != "" && m[i] != "" {
				values[name] = m[i]
			}
		}
		return s, values
	}
	return shape{}, nil
}
