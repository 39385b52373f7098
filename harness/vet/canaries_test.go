package vet

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"ktcp/harness/kernel"
	"ktcp/harness/report"
)

// The canaries are shown on each flavor. One that is missed on any makes all verdicts worth nothing, which is said first of all.
func TestCanariesDecide(t *testing.T) {
	const seen = `record TestCanary '{"name":"TestCanary/uaf","verdict":"pass","canaries":3}'` + "\n"
	for _, tt := range []struct {
		name, script, missed string
	}{
		{"seen", seen, ""},
		{
			"missed on one", seen + `[ $FLAVOR = stock ] ||
record TestCanary '{"name":"TestCanary/uaf","verdict":"FAIL","failed":true,"canaries":3,"messages":["uaf, which kernel-log calls kasan"]}'` + "\n",
			"on kasan a detector missed its canary: TestCanary/uaf: uaf, which kernel-log calls kasan",
		},
		{
			"not judged", `record TestCanary '{"name":"TestCanary/uaf","verdict":"ERROR","error":"no guest","canaries":3}'` + "\n",
			"on stock a detector missed its canary: TestCanary/uaf: no guest",
		},
		{"none", "exit 0\n", "on stock the canaries could not be shown: ERROR: nothing ran"},
		{"a process that fails beside its records", seen + "echo panic; exit 2\n", "on stock the canaries could not be shown: exit status 2: panic"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			v := fake(t, tt.script).vetting
			v.Out = &out
			var r Result
			if err := v.awake(context.Background(), &r); err != nil {
				t.Fatal(err)
			}
			if r.Canaries == nil || r.Canaries.Missed != tt.missed {
				t.Fatalf("missed %+v, want %q", r.Canaries, tt.missed)
			}
			want, code := "", report.ExitClean
			if tt.missed != "" {
				want, code = "ERROR: no verdict is valid: "+tt.missed, report.ExitInvalid
			}
			if first, _, _ := strings.Cut(out.String(), "\n"); first != want || r.ExitCode != code {
				t.Errorf("exit code %d, want %d, and first line %q, want %q", r.ExitCode, code, first, want)
			}
			if tt.missed == "" && (r.Canaries.Seen[kernel.Stock] != 3 || r.Canaries.Seen[kernel.KASAN] != 3) {
				t.Errorf("seen: %v", r.Canaries.Seen)
			}
		})
	}
}

// Whoever does without the canaries is told what that means, also in JSON.
func TestWithoutCanaries(t *testing.T) {
	v := fake(t, "exit 1\n").vetting
	v.NoCanaries = true
	var r Result
	if err := v.awake(context.Background(), &r); err != nil || r.Canaries != nil || r.ExitCode != report.ExitClean {
		t.Fatalf("%+v, %v", r, err)
	}
	text, err := r.encode()
	if err != nil || !strings.Contains(string(text), "the canaries were not shown") || !strings.Contains(string(text), `"canaries": null`) {
		t.Errorf("%v in:\n%s", err, text)
	}
}
