package harness

import (
	"testing"

	"ktcp/harness/finding"
)

// A server that never says anything is found out after three clients: the others of the scenario would only wait.
func TestSilencesEndTheScenario(t *testing.T) {
	waited := 0
	got := Witness(t, func(tb testing.TB) {
		n := Clone(tb).Init()
		const addr = "127.0.0.1:7000"
		n.Occupy(addr) // connects, and is never accepted
		for range mostSilences + 2 {
			c := n.Dial(addr)
			waited++
			c.Recv(1)
		}
	})
	if waited != mostSilences {
		t.Errorf("%d clients waited, want %d", waited, mostSilences)
	}
	wantFinding(t, got, finding.WireFault)
}
