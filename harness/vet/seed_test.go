package vet

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/report"
)

// What a random scenario chose stands in its record as variables, and with these it does the same again, step for step.
func TestVariablesDoTheSameAgain(t *testing.T) {
	random := func() report.Scenario {
		t.Helper()
		r, _ := run(t, Spec{Dirs: []string{filepath.Join("..", "..", "module", "kweb")}, Match: "^TestRandomLifecycle$", NoCanaries: true})
		whole, err := report.Load(r.Modules[0].Evidence)
		if err != nil || len(whole.Scenarios) != 1 || len(whole.Scenarios[0].Again) != 2 {
			t.Fatalf("%v, want one scenario that says how to have the same again: %+v", err, whole)
		}
		return whole.Scenarios[0]
	}
	t.Setenv("SEED", "")
	t.Setenv("STEPS", "6")
	first := random()
	for _, v := range first.Again {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	second := random()
	if diff := cmp.Diff(first.Again, second.Again); diff != "" {
		t.Errorf("variables (-first +second):\n%s", diff)
	}
	if first.Story == "" || first.Story != second.Story {
		t.Errorf("with %v first\n%s\nthen\n%s", first.Again, first.Story, second.Story)
	}
}
