package finding

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// Survivors that are no fault of a module.
var (
	toleratedThreads = []tolerance{
		{regexp.MustCompile(`^kworker/(?:u?\d|dying)`), "workers come and go with the kernel's pools; what they run is seen by other oracles"},
		{regexp.MustCompile(`^kmemleak$`), "the kmemleak oracle's own scan"},
	}
	toleratedPaths = []tolerance{
		{regexp.MustCompile(`^/sys/(?:class/net|devices/virtual/net)/`), "interfaces are made by the scenario, not by the module"},
		{regexp.MustCompile(`^/sys/(?:devices/virtual|class)/bdi/|^/sys/fs/`), "mounts are made by the agent, not by the module"},
	}
	// orphanStates are the states of TCP that a socket goes through after its owner has closed it, by which time it has no inode.
	orphanStates = []string{"FINWAIT1", "FINWAIT2", "CLOSING", "LASTACK", "SYNRECV", "NEWSYNRECV", "CLOSE"}
)

var errNoThreads = errors.New("the snapshot holds no kernel thread, not even kthreadd")

// Survivors returns what is there after the module is gone and was not there before it came: kernel threads, TCP sockets, sysfs
// and proc entries, network namespaces. The module is the one that is blamed.
func Survivors(module string, before, after wire.SurvivorsAnswer) []Finding {
	if len(after.Threads) == 0 || len(before.Threads) == 0 {
		return []Finding{Blind(OracleSurvivors, errNoThreads)}
	}
	findings := survivingThreads(module, before.Threads, after.Threads)
	findings = append(findings, changedWorkers(module, before.Threads, after.Threads)...)
	findings = append(findings, Sockets(module, before.Sockets, after.Sockets)...)
	findings = append(findings, survivingPaths(module, "sysfs", before.Sysfs, after.Sysfs)...)
	findings = append(findings, survivingPaths(module, "proc", before.Proc, after.Proc)...)
	if more := after.Netns - before.Netns; before.Netns >= 0 && after.Netns >= 0 && more > 0 {
		findings = append(findings, survivor(module, "netns",
			fmt.Sprintf("%s cannot die: something holds a reference", plural(more, "network namespace"))))
	}
	return findings
}

// survivor returns a finding of the survivors oracle.
func survivor(module, class, title string, excerpt ...string) Finding {
	f := New(Survivor, OracleSurvivors, module, title, excerpt...)
	f.Class = class
	f.Fingerprint = Fingerprint(f)
	return f
}

// TimerLeft is the finding that a timer is pending which calls a function of a module that is gone, or which lay in the module's memory itself: then fn
// is 0. In is how far off it is, in guest time, 0 where that is not known. Work tells that the timer is that of delayed work, and fn the work's function.
func TimerLeft(module string, fn, at uint64, in time.Duration, work bool) Finding {
	class, what := "timer", "a timer"
	if work {
		class, what = "work", "delayed work"
	}
	if fn == 0 {
		return survivor(module, class, "a timer is pending in memory of a module that is gone", fmt.Sprintf("a timer at %#x", at))
	}
	excerpt := fmt.Sprintf("%s at %#x", what, at)
	if in != 0 {
		excerpt += fmt.Sprintf(", due in %v", in.Round(time.Millisecond))
	}
	f := survivor(module, class, what+" is pending, and its function is gone", excerpt)
	f.Stack = []Frame{{Addr: Addr(fn), IP: true}} // the function itself, and not what returns to it
	return f
}

func survivingThreads(module string, before, after []wire.Thread) []Finding {
	known := map[int]string{}
	for _, t := range before {
		known[t.PID] = t.Comm
	}
	var findings []Finding
	for _, t := range after {
		// A PID can have been given to another thread; a worker renames itself by what it runs.
		if known[t.PID] == t.Comm || tolerated(toleratedThreads, t.Comm) {
			continue
		}
		f := survivor(module, "thread", fmt.Sprintf("kernel thread %s still lives", t.Comm),
			fmt.Sprintf("%s/%d, state %s", t.Comm, t.PID, t.State))
		f.Task = fmt.Sprintf("%s/%d", t.Comm, t.PID)
		f.Stack = textFramesOf(t.Stack)
		_, f.Location = blame(&f)
		f.Fingerprint = Fingerprint(f)
		findings = append(findings, f)
	}
	return findings
}

// changedWorkers returns a finding for the workers that have learned to heed signals, and one for those that have come to block some: they are
// everybody's, and the next work that one of them runs may be interrupted by a signal that was meant for the module's, or miss its own.
func changedWorkers(module string, before, after []wire.Thread) []Finding {
	known := map[int]wire.Thread{}
	for _, t := range before {
		known[t.PID] = t
	}
	var heed, block []string
	for _, t := range after {
		was := known[t.PID]
		if t.Heeds != "" && t.Heeds != was.Heeds {
			heed = append(heed, fmt.Sprintf("%s/%d heeds signals %s", t.Comm, t.PID, t.Heeds))
		}
		if t.Blocks != "" && t.Blocks != was.Blocks {
			block = append(block, fmt.Sprintf("%s/%d blocks signals %s", t.Comm, t.PID, t.Blocks))
		}
	}
	var findings []Finding
	for _, c := range []struct {
		how   string
		lines []string
	}{{"allowed", heed}, {"blocked", block}} {
		if c.lines != nil {
			title := fmt.Sprintf("%s of the kernel left with signals %s", plural(len(c.lines), "worker"), c.how)
			findings = append(findings, survivor(module, "signals", title, c.lines...))
		}
	}
	return findings
}

// Sockets returns the TCP sockets that are there after the module is gone and were not there before it came. Those of the agent, and those
// that TCP ends by itself, are not among them.
func Sockets(module string, before, after []wire.Socket) []Finding {
	var findings []Finding
	at := map[string]int{}
	for _, s := range after {
		if s.Agent || closedByOwner(s) || slices.ContainsFunc(before, func(b wire.Socket) bool { return sameSocket(b, s) }) {
			continue
		}
		where := "the initial namespace"
		if s.Netns != "" {
			where = "namespace " + s.Netns
		}
		// All connections of one server are one finding: what it forgot is the same for each.
		title := fmt.Sprintf("TCP socket %s in state %s left in %s", s.Local, s.State, where)
		line := fmt.Sprintf("%s %s → %s, inode %d, %s", s.State, s.Local, s.Remote, s.Inode, where)
		if i, seen := at[title]; seen {
			findings[i].Count++
			findings[i].Excerpt = append(findings[i].Excerpt, line)
			continue
		}
		at[title] = len(findings)
		findings = append(findings, survivor(module, "socket", title, line))
	}
	return findings
}

// closedByOwner reports whether a socket is only kept by TCP itself.
func closedByOwner(s wire.Socket) bool {
	state := strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(s.State))
	return state == "TIMEWAIT" || s.Inode == 0 && slices.Contains(orphanStates, state)
}

// sameSocket reports whether two snapshots show one socket. Its state may have changed.
func sameSocket(a, b wire.Socket) bool {
	return a.Netns == b.Netns && a.Local == b.Local && a.Remote == b.Remote && a.Inode == b.Inode
}

// survivingPaths returns one finding for the top of each tree that is new.
func survivingPaths(module, class string, before, after []string) []Finding {
	known := make(map[string]bool, len(before))
	for _, p := range before {
		known[path.Clean(p)] = true
	}
	fresh := map[string]bool{}
	for _, p := range after {
		p = path.Clean(p)
		// An entry of a namespace is written NAME:PATH. A namespace that is new has what every namespace has.
		plain := p
		if _, in, ok := strings.Cut(p, ":/"); ok {
			plain = "/" + in
		}
		if !known[p] && !known[plain] && !tolerated(toleratedPaths, plain) && !otherModule(module, plain) {
			fresh[p] = true
		}
	}
	var tops []string
	for p := range fresh {
		if !inFreshTree(fresh, p) {
			tops = append(tops, p)
		}
	}
	slices.Sort(tops)
	var findings []Finding
	for _, top := range tops {
		var below []string
		for p := range fresh {
			if p == top || strings.HasPrefix(p, top+"/") {
				below = append(below, p)
			}
		}
		slices.Sort(below)
		findings = append(findings, survivor(module, class, fmt.Sprintf("%s entry %s was left behind", class, top), below...))
	}
	return findings
}

// inFreshTree reports whether a directory above p is new as well.
func inFreshTree(fresh map[string]bool, p string) bool {
	for dir := path.Dir(p); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if fresh[dir] {
			return true
		}
	}
	return false
}

// otherModule reports whether a path belongs to a module that the kernel loaded by itself, say for a veth pair.
func otherModule(module, p string) bool {
	rest, ok := strings.CutPrefix(p, "/sys/module/")
	if !ok {
		return false
	}
	name, _, _ := strings.Cut(rest, "/")
	return name != module
}
