package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

// memory is what apt answered to a request, so that it need not be asked again as long as its lists are the same.
type memory struct {
	Stamp string `json:"stamp"` // of the package lists
	Plan  *plan  `json:"plan"`
}

func (p *provisioner) memoryFile(r request) string {
	return filepath.Join(p.apt.Dir, "choice-"+cache.Key(append([]string{layout, r.name}, p.flavored()...)...)+".json")
}

// flavored is what distinguishes the choices for a flavor.
func (p *provisioner) flavored() []string {
	if p.flavor() == Stock {
		return nil
	}
	return []string{p.flavor()}
}

// recall returns the earlier choice for a request. Anything that is wrong with it means that there is none.
func (p *provisioner) recall(r request) (*plan, bool) {
	text, err := os.ReadFile(p.memoryFile(r))
	if err != nil {
		return nil, false
	}
	var m memory
	if err := json.Unmarshal(text, &m); err != nil || m.Plan == nil || m.Stamp != p.apt.Stamp() {
		return nil, false
	}
	return m.Plan, true
}

// remember keeps the choice for a request that was made when the lists had the given stamp.
func (p *provisioner) remember(r request, stamp string, chosen *plan) error {
	text, err := json.Marshal(memory{Stamp: stamp, Plan: chosen})
	if err != nil {
		return err
	}
	if err := apt.ReplaceFile(p.memoryFile(r), text); err != nil {
		return fmt.Errorf("remember the choice of kernel: %w", err)
	}
	return nil
}
