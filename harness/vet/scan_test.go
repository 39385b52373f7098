package vet

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/subject"
)

const scenariosToScan = `package scenarios

import ("testing"; "ktcp/harness")

var roles = []harness.Role{harness.Echo, harness.HTTP}

func open(t *testing.T) *harness.Subject { return harness.Clone(t).Serve(harness.Web) }

// A client comes. It
// goes.
func TestDirect(t *testing.T) { harness.Clone(t).Serve(harness.Echo) }

func TestHTTPThroughAHelper(t *testing.T) { open(t) }

func TestThroughAVariable(t *testing.T) { harness.EachRole(t, nil, roles...) }

func TestOfTheReference(t *testing.T) { harness.Clone(t).Insmod("kweb") }

func TestOfTheOracles(t *testing.T) { harness.Witness(t, func(tb testing.TB) { open(t) }) }

func TestMain(m *testing.M) {}

func BenchmarkX(b *testing.B) { harness.Clone(b).Serve(harness.Echo) }
`

func TestScan(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte(scenariosToScan), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Scenario{
		{"TestDirect", "A client comes", []subject.Role{subject.Echo}},
		{"TestHTTPThroughAHelper", "HTTP through a helper", []subject.Role{subject.Web}},
		{"TestThroughAVariable", "through a variable", []subject.Role{subject.Echo, subject.HTTP}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Scan(t.TempDir()); err == nil {
		t.Error("no scenarios are no error")
	}
}

// Every role has scenarios in this tree.
func TestScanOfThisTree(t *testing.T) {
	all, err := Scan(filepath.Join("..", "..", "scenarios"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[subject.Role]int{}
	for _, s := range all {
		if s.Story == "" {
			t.Errorf("%s is about nothing", s.Name)
		}
		for _, r := range s.Roles {
			count[r]++
		}
	}
	for _, r := range subject.Roles {
		if count[r] < 8 {
			t.Errorf("%d scenarios for %s", count[r], r)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Spec{Dirs: []string{"x"}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]Spec{
		"nothing":        {},
		"two and one":    {Dirs: []string{"x", "y"}, Module: "m"},
		"regexp":         {Dirs: []string{"x"}, Match: "("},
		"claim":          {Dirs: []string{"x"}, Claims: []subject.Feature{"speed"}},
		"port":           {Dirs: []string{"x"}, Port: 70000},
		"parameter":      {Dirs: []string{"x"}, Params: []string{"port"}},
		"its whitespace": {Dirs: []string{"x"}, Params: []string{"a=b c"}},
	} {
		if err := bad.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
