package harness

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// settle is how long, in wall time, objects and namespaces may take to be freed after the module has gone: the kernel
// frees sockets, inodes and namespaces after RCU grace periods and from work items of its own. Only what is left for good makes
// anybody wait that long.
func (g *Guest) settle() time.Duration {
	const settle = 3 * time.Second
	if g.checksAll() {
		return 5 * settle
	}
	return settle
}

// baseline is the state of a guest before its scenario began.
type baseline struct {
	taint     uint64
	survivors wire.SurvivorsAnswer
	netns     int // live network namespaces
}

// baselines remembers what was seen in the first clone of each template: the others begin as the same bytes, and to look
// again would take each of them as long as everything else before its scenario.
type baselines struct {
	mu    sync.Mutex
	known map[string]baseline
}

// of returns the baseline of a guest that nothing has happened to yet.
func (b *baselines) of(g *Guest) baseline {
	g.tb.Helper()
	template := g.vm.Template()
	if template == "" { // booted on its own
		return g.takeBaseline()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if seen, ok := b.known[template]; ok {
		return seen
	}
	seen := g.takeBaseline()
	if b.known == nil {
		b.known = map[string]baseline{}
	}
	b.known[template] = seen
	return seen
}

// takeBaseline notes what is there before any module is.
func (g *Guest) takeBaseline() baseline {
	g.tb.Helper()
	b := baseline{survivors: call(g, wire.Survivors, wire.None{})}
	b.netns = b.survivors.Netns
	b.taint = call(g, wire.Modules, wire.None{}).Taint
	return b
}

// found keeps findings for the verdict.
func (g *Guest) found(findings ...finding.Finding) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range findings {
		f.Guest = filepath.Base(g.entry.Dir())
		g.findings = append(g.findings, f)
	}
}

// has reports whether an oracle has found something.
func (g *Guest) has(oracle finding.Oracle) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.findings {
		if f.Oracle == oracle {
			return true
		}
	}
	return false
}

// blind keeps the finding that an oracle could not run.
func (g *Guest) blind(oracle finding.Oracle, err error) { g.found(finding.Blind(oracle, err)) }

// foundSoFar is how many findings there are.
func (g *Guest) foundSoFar() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.findings)
}

// blinded drops what was found from the number first on about oracles that could not run, where a crash is among the findings: they could not
// because of it, for instance since the kernel killed the thread that was in the module's exit, and the crash is what the module is guilty of.
func (g *Guest) blinded(first int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !crashed(g.findings) {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(g.findings[first:]), finding.Finding.Infrastructure)
	g.findings = append(g.findings[:first], rest...)
}

// wireFinding is what the wire oracle saw. The scenario goes on.
func (g *Guest) wireFinding(format string, args ...any) {
	g.tb.Helper()
	f := finding.Wire(g.servers(), format, args...)
	f.Related = g.suspects(strings.Contains(f.Title, nothingFor))
	g.found(f)
	g.tb.TB.Errorf("wire: %s", f.Title) // not heard: it is a finding
}

// servers names the module that the guest's clients talk to, when there is just one.
func (g *Guest) servers() string {
	if len(g.modules) == 1 {
		return g.modules[0].Name
	}
	return ""
}

// rmmodFinding is a module that is in use or whose exit does not return.
func (g *Guest) rmmodFinding(name string, answer wire.RmmodAnswer) {
	g.tb.Helper()
	g.found(finding.Rmmod(name, answer, g.unloadDeadline())...)
}

// aftermath is how long, in guest time or in wall time, whichever is over first, the kernel log is watched after unload before anything
// is loaded over the text that has gone: a work item or a timer that was left behind must get its chance to run into nothing.
const aftermath = 500 * time.Millisecond

// watchKernelLog reads the kernel log for a while, until something shows. It returns the findings so far. The guest wakes up when there is
// something to read: to be asked again and again would keep it from what it is watched for.
func (g *Guest) watchKernelLog(d time.Duration) []finding.Finding {
	g.tb.Helper()
	began, quiet := time.Now(), time.Duration(0)
	for {
		wait := min(d-max(quiet, time.Since(began)), longestWait)
		if more := g.awaitKernelLog(max(wait, 0)); !more {
			quiet += wait // of guest time, which is faster than ours where it is counted in instructions
		}
		found := g.reports()
		if len(found) > 0 || g.vm.Err() != nil || max(quiet, time.Since(began)) >= d {
			return found
		}
	}
}

// longestWait is how long one request may wait in the guest: well within the watchdog of requests.
const longestWait = 5 * time.Second

// reports returns what the kernel log holds since the scenario began, without what says nothing about a module.
func (g *Guest) reports() []finding.Finding { return g.relevant(finding.ParseKmsg(g.records)) }

// relevant leaves out what was provoked, and what the kernel would say without any module.
func (g *Guest) relevant(reports []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(reports, func(f finding.Finding) bool { return g.provoked(f) || kernelsOwn(f) })
}

// kernelsOwn tells of a data race that no module takes part in. A kernel has many that nobody minds: it is not the subject.
func kernelsOwn(f finding.Finding) bool { return f.Kind == finding.KCSAN && !f.InModule() }

// crashed reports whether a task died in kernel mode: whatever it held is held for ever, and the kernel may hang at the
// next request. (A warning leaves the kernel sound.)
func crashed(findings []finding.Finding) bool {
	return slices.ContainsFunc(findings, func(f finding.Finding) bool {
		switch f.Kind {
		case finding.Oops, finding.PageFault, finding.Bug, finding.Panic:
			return true
		case finding.KASAN: // of these the rest of the report is an oops
			return strings.Contains(f.Class, "null-ptr-deref") || strings.Contains(f.Class, "wild-memory-access")
		}
		return false
	})
}

// readKernelLog keeps what the kernel has said since it was last read. A report may come in two parts: it is made a finding
// at the end, by judgeKernelLog.
func (g *Guest) readKernelLog() { g.tb.Helper(); g.awaitKernelLog(0) }

// awaitKernelLog does so and, where there is nothing yet, has the guest wait for it. It reports whether there was something.
func (g *Guest) awaitKernelLog(wait time.Duration) bool {
	g.tb.Helper()
	answer, err := try(g, wire.Kmsg, wire.KmsgRequest{Cursor: g.cursor, Wait: wait})
	if err != nil {
		if g.vm.Err() == nil {
			g.blind(finding.OracleLog, err)
		}
		return false
	}
	g.cursor = answer.Next
	g.records = append(g.records, answer.Records...)
	if answer.Lost {
		g.blind(finding.OracleLog, errLogOverrun)
	}
	return len(answer.Records) > 0
}

// judgeKernelLog turns what the kernel said since the scenario began into findings.
func (g *Guest) judgeKernelLog() {
	g.tb.Helper()
	g.readKernelLog()
	g.found(slices.DeleteFunc(g.reports(), g.announced)...)
}

// AwaitReport waits until the kernel log holds something that is a finding, for at most that long in wall time. Whether there was one
// is for the oracles to say.
func (g *Guest) AwaitReport(limit time.Duration) { g.tb.Helper(); g.watchKernelLog(limit) }

// judgeLogAndTaint is judgeKernelLog, and looks for what tainted the kernel and did not say so in its log.
func (g *Guest) judgeLogAndTaint() {
	g.tb.Helper()
	// In this order: the kernel sets the bit when it has said why, and it may do both at this very moment.
	answer, err := try(g, wire.Modules, wire.None{})
	g.judgeKernelLog()
	if err != nil {
		g.blind(finding.OracleLog, err)
		return
	}
	g.mu.Lock()
	found := finding.Taints(g.baseline.taint, answer.Taint, g.findings)
	g.mu.Unlock()
	g.found(found...)
}

// judgeLedger looks for slab objects that were allocated on behalf of the modules and are still there.
func (g *Guest) judgeLedger() {
	g.tb.Helper()
	if g.unledgered {
		return
	}
	for _, req := range g.ledgerRequests() {
		answer, err := g.ledger(callDeadline, g.settle(), req)
		if err != nil {
			g.blind(finding.OracleLedger, err)
			continue
		}
		g.found(finding.Leaks(req.Name, answer)...)
	}
}

// since is the guest time at which the first module began to be loaded, wherever from.
func (g *Guest) since() time.Duration {
	if g.firstLoad == 0 && len(g.loads) > 0 {
		return g.loads[0].since
	}
	return g.firstLoad
}

// judgeSurvivors compares what is there with what was there before the scenario.
func (g *Guest) judgeSurvivors() {
	g.tb.Helper()
	g.await(func() (found []finding.Finding, ending bool, err error) {
		now, err := try(g, wire.Survivors, wire.None{})
		return finding.Survivors(g.blamed(), g.baseline.survivors, now), now.Destroying, err
	})
}

// judgeSockets looks for sockets that were left in the scenario's namespaces, as long as these are there: nothing else shows them.
func (g *Guest) judgeSockets() {
	g.tb.Helper()
	if !slices.ContainsFunc(g.netns, func(n *Netns) bool { return !n.deleted }) {
		return
	}
	g.await(func() (found []finding.Finding, ending bool, err error) {
		now, err := try(g, wire.Sockets, wire.SocketsRequest{})
		return finding.Sockets(g.blamed(), nil, now.Sockets), false, err
	})
}

// destruction is how long the kernel may take to destroy namespaces, for each time that other things may take to settle. It works on all
// that are left at once, and goes through every socket that they had.
const destruction = 5

// await has survivors looked for until there are none, or until what is only being ended has had its time, and keeps what is left. What
// the kernel is seen to be ending has more.
func (g *Guest) await(look func() (found []finding.Finding, ending bool, err error)) {
	g.tb.Helper()
	var found []finding.Finding
	began := time.Now()
	err := await(destruction*g.settle(), func() (bool, error) {
		var ending bool
		var err error
		found, ending, err = look()
		return len(found) == 0 || !ending && time.Since(began) > g.settle(), err
	})
	if err != nil {
		g.blind(finding.OracleSurvivors, err)
		return
	}
	g.found(found...)
}

// blamed is the module that survivors are put down to: nobody knows whose they are.
func (g *Guest) blamed() string {
	if len(g.modules) == 0 {
		return ""
	}
	return g.modules[0].Name
}

// awaitNamespaces waits until no more than want namespaces live, and returns how many do.
func (g *Guest) awaitNamespaces(want int) (got int) {
	g.tb.Helper()
	err := await(g.settle(), func() (bool, error) {
		answer, err := try(g, wire.LiveNetns, wire.None{})
		got = answer.Live
		return got <= want, err
	})
	if err != nil {
		g.tb.Fatalf("count the namespaces: %v", err)
	}
	return got
}

// await asks until it is done, something fails or the time is over, which is not an error: the last answer says what
// is still missing. It asks less and less often, so that it does not load the guest that it waits for.
func await(limit time.Duration, ask func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}
