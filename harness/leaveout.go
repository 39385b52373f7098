package harness

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"ktcp/harness/report"
	"ktcp/harness/unchanged"
	"ktcp/harness/vm"
)

// passes is what this process knows, and notes, of scenarios that passed.
type passes struct {
	*unchanged.Book
	leaveOut bool

	mu     sync.Mutex
	clones map[string]int // of each scenario
}

// openPasses returns nil where the environment does not ask for them, where somebody else's module is judged, and on a kernel with KCSAN, which
// watches a random part of all accesses, another each time.
func (r *rig) openPasses() (*passes, error) {
	mode := os.Getenv(unchanged.Variable)
	// How much a sweep tries is the user's to say, and what has passed may be less.
	if mode == "" || os.Getenv(sweepVariable) != "" || r.stranger != nil || r.kernel.Config["CONFIG_KCSAN"] == "y" {
		return nil, nil
	}
	book, err := unchanged.Open(r.cache)
	if err != nil {
		return nil, err
	}
	if err := book.Prune(r.ctx); err != nil {
		return nil, err
	}
	return &passes{Book: book, leaveOut: mode == unchanged.LeaveOut, clones: map[string]int{}}, nil
}

// What a scenario brings into its guest, and so its pass is made of, has names of these kinds.
const (
	moduleInput  = "module/"
	programInput = "program/"
)

// made returns the identity of what a pass was made of as it is now.
func (g *Guest) made(name string) (string, error) {
	if module, ok := strings.CutPrefix(name, moduleInput); ok {
		b, err := g.tryBuild(module)
		if err != nil {
			return "", err
		}
		return b.ID, nil
	}
	program, ok := strings.CutPrefix(name, programInput)
	if !ok {
		return "", fmt.Errorf("a pass made of %q, which nobody knows", name)
	}
	pack, err := g.fetch(program)
	if err != nil {
		return "", err
	}
	return identityOf(pack), nil
}

// identify notes that the scenario has one more guest, and what identifies it.
func (g *Guest) identify(spec vm.Spec) error {
	p := g.rig.passes
	if _, ok := g.tb.TB.(*witness); ok || p == nil {
		return nil
	}
	var err error
	if g.identity, err = vm.Identity(g.rig.ctx, spec); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clones[g.tb.Name()]++
	return nil
}

// hasPassed returns the pass of the scenario as it is, or nil when it is to run.
func (g *Guest) hasPassed() *unchanged.Pass {
	g.tb.Helper()
	p := g.rig.passes
	if g.identity == "" || !p.leaveOut {
		return nil
	}
	pass, ok := p.Find(g.identity, g.tb.Name())
	if !ok {
		return nil
	}
	for name, was := range pass.Made {
		if is, err := g.made(name); err != nil || is != was {
			return nil // it runs, and says what is wrong
		}
	}
	return &pass
}

// notePass notes that the scenario has passed, or that it no longer does: what has failed once, be it one time in a hundred, is not left out
// for the sake of an earlier pass. One that chance has a part in is worth running again, and one with several guests is not known to have
// passed before all of them are judged.
func (g *Guest) notePass(verdict report.Verdict, result report.Result) error {
	p := g.rig.passes
	if g.identity == "" {
		return nil
	}
	switch verdict {
	case report.Fail, report.Error:
		return p.Forget(g.rig.ctx, g.identity, g.tb.Name())
	case report.Pass:
	default:
		return nil
	}
	p.mu.Lock()
	guests := p.clones[g.tb.Name()]
	p.mu.Unlock()
	if g.chance || len(result.NotOffered) > 0 || guests != 1 {
		return nil
	}
	return p.Keep(g.rig.ctx, g.identity, unchanged.Pass{
		Scenario: g.tb.Name(), When: time.Now(), Run: g.rig.run.Dir(), Made: g.madeOf,
	})
}
