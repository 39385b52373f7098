package vet

import (
	"path/filepath"
	"testing"

	"ktcp/harness/finding"
	"ktcp/harness/report"
)

// A good module that is made in another way than those of this tree has no flaw: not even where scenarios look at counters that it does
// not have, or have more clients than a handful of threads could serve.
func TestGoodStrangerIsLeftAlone(t *testing.T) {
	r, code := run(t, Spec{
		Dirs:       []string{filepath.Join("testdata", "good", "threads")},
		Match:      "^Test(DropEstablished|EchoOfManyAtOnce|RoleThousandIdleClients|RoleHoldsNothingOfThoseWhoHaveGone|RestWithIdleClients)$",
		NoCanaries: true,
	})
	m := r.Modules[0]
	if code != report.ExitClean || m.count(report.Pass) != 5 {
		t.Errorf("exit code %d, %s, want %d and all to pass", code, m.headline(r.Flavors), report.ExitClean)
	}
	for _, f := range m.Flaws {
		if f.Finding != nil {
			t.Log(finding.Text(*f.Finding))
		}
		t.Log(f.Scenarios, f.Messages)
	}
}
