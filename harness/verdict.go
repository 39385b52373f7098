package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
	"ktcp/harness/report"
	"ktcp/harness/vm"
)

// evidenceDeadline bounds the collection of evidence from a guest that no longer answers, in wall time.
const evidenceDeadline = 20 * time.Second

// finish ends a scenario: unload, oracles, findings, verdict, in this order. The verdict is written last, and the
// guest is thrown away whatever happens.
func (g *Guest) finish() {
	g.tb.Helper()
	broken := g.broken
	if g.vm != nil {
		g.unloadAndJudge()
		if err := os.WriteFile(g.entry.Path("requests.log"), g.log.bytes(), 0o644); err != nil {
			g.tb.Logf("write evidence: %v", err)
		}
		if err := g.rig.disown(g.vm); err != nil {
			broken = fmt.Errorf("throw the guest away: %w", err)
		}
	} else if broken == nil && !g.tb.Skipped() {
		broken = errors.New("there was no guest to judge")
	}
	var symbols []*finding.Symbolizer
	for _, l := range g.loads {
		symbols = append(symbols, l.symbols)
	}
	finding.Symbolize(g.findings, symbols...)
	g.findings = finding.Dedupe(g.findings)
	if w, ok := g.tb.TB.(*witness); ok {
		if g.vm != nil {
			w.guests = append(w.guests, g.describe())
		}
		w.testify(g.findings, broken)
		return
	}
	messages := g.tb.heard()
	for _, f := range g.findings {
		g.tb.Errorf("%s", finding.Text(f))
	}
	result := report.Result{Failed: g.tb.Failed(), Messages: messages, Findings: g.findings, Story: g.story}
	if g.tb.Skipped() {
		result.Skipped = g.tb.why()
	}
	if p := g.passed; p != nil {
		result.Passed = &report.Passed{When: p.When, Run: p.Run, Flavor: g.rig.kernel.Flavor}
	}
	for _, f := range g.lacks {
		result.NotOffered = append(result.NotOffered, string(f))
	}
	if broken != nil {
		result.Error = broken.Error()
		g.tb.Errorf("the scenario could not be judged: %v", broken)
	}
	if g.vm != nil {
		result.Guests = []report.Guest{g.describe()}
	}
	for _, m := range g.modules {
		b := g.built[m.Name]
		result.Modules = append(result.Modules, report.Module{Name: m.Name, Source: b.Source, ID: b.ID, Params: m.params})
	}
	verdict, err := g.entry.Finish(result)
	if err != nil {
		g.tb.Errorf("write the verdict: %v", err)
	}
	if err := g.notePass(verdict, result); err != nil {
		g.tb.Errorf("%v", err) // or the next run would leave out what it must not
	}
}

// unloadAndJudge runs the oracles on a guest whose modules are gone. An oracle that could not run is among the findings.
func (g *Guest) unloadAndJudge() {
	g.tb.Helper()
	defer g.blinded(g.foundSoFar())
	// The oracles ask through try, so that one that fails is a finding and does not end the others.
	unloaded := g.unload()
	if g.vm.Err() == nil {
		if _, err := try(g, wire.CloseAll, wire.None{}); err != nil {
			g.blind(finding.OracleSurvivors, err)
		}
	}
	g.story = g.log.story() // what comes now is only looking
	if unloaded && g.vm.Err() == nil {
		g.judgeTimers()
	}
	splats := g.watchKernelLog(aftermath)
	if g.vm.Err() != nil {
		g.judgeDeath()
		return
	}
	if crashed(splats) {
		g.judgeKernelLog()
		return // the other oracles would only hang, or blame what the crash has left
	}
	if unloaded && len(splats) == 0 {
		g.judgeReinsertion()
	}
	if unloaded {
		g.judgeSockets()
	}
	g.deleteNamespaces()
	if unloaded {
		g.judgeLedger()
		g.judgeKmemleak()
		g.judgeSurvivors()
	}
	// After the other oracles: they may have stirred up a timer or a work item that runs in text that is gone.
	g.judgeLogAndTaint()
	if g.vm.Err() != nil {
		g.judgeDeath()
	}
}

// unload unloads what is loaded, last loaded first, and reports whether all is gone.
func (g *Guest) unload() bool {
	g.tb.Helper()
	for _, m := range slices.Backward(g.modules) {
		if !m.loaded || g.vm.Err() != nil {
			continue
		}
		m.loaded = false
		answer, err := try(g, wire.Rmmod, wire.RmmodRequest{Name: m.Name, Deadline: g.unloadDeadline()})
		switch {
		case err != nil && g.vm.Err() == nil:
			g.blind(finding.OracleRmmod, err)
			return false
		case err == nil && !answer.Done:
			g.rmmodFinding(m.Name, answer)
		}
	}
	return !g.has(finding.OracleRmmod)
}

// judgeReinsertion loads every module again and unloads it at once: an exit that left something behind is in its own
// way, and an exit right after init meets work that has hardly begun.
func (g *Guest) judgeReinsertion() {
	g.tb.Helper()
	for _, m := range g.modules {
		if err := g.insmod(m.Name, m.params); err != nil {
			g.found(finding.Reinserted(m.Name, m.params, err))
			return
		}
		answer, err := try(g, wire.Rmmod, wire.RmmodRequest{Name: m.Name, Deadline: g.unloadDeadline()})
		if err != nil {
			g.blind(finding.OracleRmmod, err)
			return
		}
		if !answer.Done {
			g.rmmodFinding(m.Name, answer)
			return
		}
	}
}

// deleteNamespaces deletes the namespaces that the scenario left.
func (g *Guest) deleteNamespaces() {
	g.tb.Helper()
	for _, n := range g.netns {
		if n.deleted {
			continue
		}
		n.deleted = true
		if _, err := try(g, wire.NetnsDelete, wire.NetnsDeleteRequest{Name: n.name, Close: true}); err != nil {
			g.blind(finding.OracleSurvivors, err)
		}
	}
}

// known tells of a report of the console that was read from the kernel log while the guest still answered.
func (g *Guest) known(f finding.Finding) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.findings, func(k finding.Finding) bool {
		return k.Oracle == f.Oracle && k.Fingerprint == f.Fingerprint
	})
}

// judgeDeath says that the guest died or fell silent, and keeps what can still be had from it.
func (g *Guest) judgeDeath() {
	g.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), evidenceDeadline)
	defer cancel()
	g.saveEvidence(ctx)
	g.found(slices.DeleteFunc(g.relevant(finding.ParseConsole(string(g.vm.Console()))), g.known)...)
	kind := finding.GuestDied
	if errors.Is(g.vm.Err(), vm.ErrSilent) {
		kind = finding.GuestSilent
	}
	g.found(finding.New(kind, finding.OracleGuest, "", g.vm.Err().Error()))
}
