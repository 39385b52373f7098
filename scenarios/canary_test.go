package scenarios

import (
	"testing"
	"time"

	"ktcp/harness"
	"ktcp/harness/finding"
)

// canary is a bug that a detector must see wherever the kernel has that detector.
type canary struct {
	harness.Canary
	needs string // the option of the kernel that brings the detector; "": every kernel has it
	// without is the option with which another detector comes first.
	without string
	// deadly bugs bring down what they happen in, or use up a detector that reports once: a guest of their own.
	deadly bool
}

func sees(bug string, oracle finding.Oracle, kind finding.Kind, class string) harness.Canary {
	return harness.Canary{Bug: bug, Oracle: oracle, Kind: kind, Class: class}
}

// anywhere is a canary whose line the detector cannot name.
func anywhere(c harness.Canary) harness.Canary {
	c.Anywhere = true
	return c
}

// inInit is a canary that is shown in the module's init.
func inInit(c harness.Canary) harness.Canary {
	c.Init = true
	return c
}

// titled is a canary of which the finding's title says more than its class does.
func titled(c harness.Canary, title string) harness.Canary {
	c.Title = title
	return c
}

const (
	log  = finding.OracleLog
	left = finding.OracleSurvivors
)

// In the order in which they are shown: lockdep falls silent after its first report of lock order, and when the count of what disables
// preemption is wrong.
var canaries = []canary{
	{Canary: sees("leak_kmalloc", finding.OracleLedger, finding.Leak, "kmalloc-")},
	{Canary: sees("leak_vmalloc", finding.OracleLedger, finding.Leak, "vmalloc")},
	{Canary: sees("leak_percpu", finding.OracleLedger, finding.Leak, "percpu"), needs: "CONFIG_EVENT_TRACING"},
	{Canary: inInit(sees("init_percpu", finding.OracleLedger, finding.Leak, "percpu")), needs: "CONFIG_EVENT_TRACING"},
	{Canary: sees("leak_pages", finding.OracleLedger, finding.Leak, "pages"), needs: "CONFIG_PAGE_OWNER"},
	{Canary: sees("leak_skb", finding.OracleLedger, finding.Leak, "")},
	{Canary: inInit(sees("init_vmalloc", finding.OracleLedger, finding.Leak, "vmalloc"))},
	{Canary: sees("refcount", log, finding.Refcount, "underflow")},
	{Canary: sees("warn", log, finding.Warning, "")},
	{Canary: sees("shift", log, finding.UBSAN, "shift-out-of-bounds"), needs: "CONFIG_UBSAN_SHIFT"},
	{Canary: sees("rcu", log, finding.Lockdep, "suspicious RCU usage"), needs: "CONFIG_PROVE_RCU"},
	{Canary: sees("sleep_atomic", log, finding.SleepInAtomic, ""), needs: "CONFIG_DEBUG_ATOMIC_SLEEP"},
	{Canary: sees("lock_order", log, finding.Lockdep, "possible circular locking dependency"), needs: "CONFIG_PROVE_LOCKING"},
	{Canary: sees("sched_atomic", log, finding.SchedAtomic, ""), needs: "CONFIG_PREEMPT_COUNT"},
	{Canary: sees("hung_task", log, finding.HungTask, ""), needs: "CONFIG_DETECT_HUNG_TASK"},
	{Canary: sees("soft_lockup", log, finding.SoftLockup, ""), needs: "CONFIG_SOFTLOCKUP_DETECTOR"},
	{Canary: anywhere(sees("proc_left", left, finding.Survivor, "proc"))},
	{Canary: anywhere(sees("sysfs_left", left, finding.Survivor, "sysfs"))},
	{Canary: titled(anywhere(sees("socket_left", left, finding.Survivor, "socket")), "left in the initial namespace")},
	{Canary: titled(anywhere(sees("netns_socket_left", left, finding.Survivor, "socket")), "left in namespace red")},
	{Canary: anywhere(sees("netns_left", left, finding.Survivor, "netns"))},
	{Canary: titled(anywhere(sees("signals_left", left, finding.Survivor, "signals")), "signals allowed")},
	{Canary: titled(anywhere(sees("signals_blocked", left, finding.Survivor, "signals")), "signals blocked")},
	{Canary: anywhere(sees("workqueue_left", left, finding.Survivor, "thread"))},
	{Canary: anywhere(sees("thread_left", left, finding.Survivor, "thread"))},

	{Canary: sees("timer_far", left, finding.Survivor, "timer"), needs: "CONFIG_DEBUG_INFO_BTF"},
	{Canary: sees("hrtimer_far", left, finding.Survivor, "timer"), needs: "CONFIG_DEBUG_INFO_BTF"},
	{Canary: sees("work_far", left, finding.Survivor, "work"), needs: "CONFIG_DEBUG_INFO_BTF"},
	{Canary: anywhere(sees("wrong_byte", finding.OracleWire, finding.WireFault, ""))},
	{Canary: sees("deaf", finding.OracleStarvation, finding.Starvation, "")},

	{Canary: sees("leak_large", finding.OracleKmemleak, finding.Kmemleak, ""), needs: "CONFIG_DEBUG_KMEMLEAK"},
	{Canary: inInit(sees("init_large", finding.OracleKmemleak, finding.Kmemleak, "")), needs: "CONFIG_DEBUG_KMEMLEAK"},

	{Canary: sees("uaf", log, finding.KASAN, "use-after-free"), needs: "CONFIG_KASAN", deadly: true},
	{Canary: sees("oob", log, finding.KASAN, "slab-out-of-bounds"), needs: "CONFIG_KASAN", deadly: true},
	{Canary: sees("double_free", log, finding.KASAN, "double-free"), needs: "CONFIG_KASAN", deadly: true},
	{Canary: sees("list", log, finding.ListCorruption, "list_add"), needs: "CONFIG_DEBUG_LIST", deadly: true},
	{Canary: sees("null", log, finding.Oops, "null-dereference"), without: "CONFIG_KASAN", deadly: true},
	{Canary: sees("null", log, finding.KASAN, "null-ptr-deref"), needs: "CONFIG_KASAN", deadly: true},
	{Canary: sees("exit_null", log, finding.Oops, "null-dereference"), without: "CONFIG_KASAN", deadly: true},
	{Canary: sees("exit_null", log, finding.KASAN, "null-ptr-deref"), needs: "CONFIG_KASAN", deadly: true},
	{Canary: sees("bug_on", log, finding.Bug, ""), deadly: true},
	{Canary: sees("panic", log, finding.Panic, ""), deadly: true},
	{Canary: anywhere(sees("reboot", finding.OracleGuest, finding.GuestDied, "")), deadly: true},
	{Canary: anywhere(sees("claim_left", finding.OracleRmmod, finding.NotReloaded, "")), deadly: true},
	{Canary: sees("text_left", log, finding.PageFault, "unloaded-text"), deadly: true},
	{Canary: anywhere(sees("timer_left", log, finding.PageFault, "")), without: "CONFIG_DEBUG_OBJECTS_TIMERS", deadly: true},
	{Canary: anywhere(sees("timer_left", log, finding.DebugObjects, "")), needs: "CONFIG_DEBUG_OBJECTS_TIMERS", deadly: true},
	{Canary: anywhere(sees("work_left", log, finding.PageFault, "")), without: "CONFIG_DEBUG_OBJECTS_WORK", deadly: true},
	{Canary: anywhere(sees("work_left", log, finding.DebugObjects, "")), needs: "CONFIG_DEBUG_OBJECTS_WORK", deadly: true},
	{Canary: anywhere(sees("spin", finding.OracleIdle, finding.Busy, "")), deadly: true},
	{Canary: anywhere(sees("busy", finding.OracleRmmod, finding.NotUnloaded, "refused")), deadly: true},
	{Canary: sees("exit_hang", finding.OracleRmmod, finding.NotUnloaded, "stuck"), deadly: true},
	{Canary: sees("race", log, finding.KCSAN, "data-race"), needs: "CONFIG_KCSAN", deadly: true},
}

// group is canaries that share a guest: they leave each other, and the guest, alive.
type group struct {
	name    string
	shown   []harness.Canary
	options []harness.Option
	// watchdogs are told to report after this long; 0 leaves them as they are.
	watchdogs time.Duration
}

// groups puts the canaries whose detectors the kernel has into groups. One that is deadly has its own.
func groups(config map[string]string) []group {
	gentle := group{name: "gentle"}
	slow := group{name: "watchdogs", watchdogs: time.Second, options: []harness.Option{harness.SMP()}}
	served := group{name: "served"} // alone, or others' threads would be suspects
	scanned := group{name: "kmemleak", options: []harness.Option{harness.ScanForLeaks()}}
	var all []group
	for _, c := range canaries {
		switch {
		case c.needs != "" && config[c.needs] == "", c.without != "" && config[c.without] != "":
		case c.Oracle == finding.OracleKmemleak:
			scanned.shown = append(scanned.shown, c.Canary)
		case c.Oracle == finding.OracleWire, c.Oracle == finding.OracleStarvation:
			served.shown = append(served.shown, c.Canary)
		case c.Kind == finding.HungTask, c.Kind == finding.SoftLockup:
			slow.shown = append(slow.shown, c.Canary)
		case c.deadly:
			// With a processor beside the one that is held, or whose worker has died in the middle of its work: the guest goes on answering there.
			alone := group{name: c.Bug, shown: []harness.Canary{c.Canary}, options: []harness.Option{harness.SMP()}}
			if c.Class == "stuck" { // for ever: nothing is learnt by waiting
				alone.options = append(alone.options, harness.UnloadWithin(3*time.Second))
			}
			all = append(all, alone)
		default:
			gentle.shown = append(gentle.shown, c.Canary)
		}
	}
	for _, g := range []group{gentle, slow, served, scanned} {
		if len(g.shown) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// canaryServer is where module/canary serves.
const canaryServer = "127.0.0.1:7029"

// Each detector that the kernel has is shown a bug that it must see, by name and line. The run is not valid when one does not.
func TestCanary(t *testing.T) {
	for _, group := range groups(harness.KernelConfig(t)) {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			harness.ShowCanaries(t, group.shown, group.show, group.options...)
		})
	}
}

func (of group) show(_ testing.TB, g *harness.Guest) {
	if of.watchdogs > 0 {
		g.Watchdogs(of.watchdogs)
	}
	red := g.Netns("red")
	for _, c := range of.shown {
		if c.Init {
			g.InsmodBug(c.Bug)
		}
	}
	module := g.Insmod("canary")
	for _, c := range of.shown {
		if c.Init {
			continue
		}
		module.SetBug(red, c.Bug)
		switch c.Kind {
		case finding.PageFault: // it is seen only when the module has gone
			module.Rmmod()
			g.AwaitReport(time.Minute)
		case finding.Busy:
			g.WantRest()
		case finding.WireFault:
			g.Init().Dial(canaryServer).Echo(100)
		case finding.Starvation:
			first := g.Init().Dial(canaryServer)
			s := harness.Subject{Module: module, Role: harness.Echo, Addr: canaryServer}
			s.Answers(g.Init(), 1)
			first.Close()
		}
	}
	if of.watchdogs > 0 {
		g.Watchdogs(harness.DefaultWatchdogs) // else they would report the oracles, on a host that is busy
	}
}
