package scenarios

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness"
	"ktcp/harness/finding"
)

// Mutants are bugs that people really write, each a patch to module/ in testdata/mutants/MODULE/NAME.patch. They prove the
// scenarios and the oracles: a mutant that nothing notices is a hole in both. A patch begins with what is wrong, then says:
//
//	Scenario: which scenarios the changed module is held to, a regular expression as for go test -run
//	Expect:   who must notice it, ORACLE/KIND as in findings.json, or "scenario" for an expectation of the scenario
//	          itself; alternatives are separated by commas
//	Flavor:   the kernel that it takes, stock where nothing is said
//	Sample:   yes for those that every run tries; the others take MUTANTS=all
//
// Where the patch marks a line with the comment below, the finding must name that line.
const mutantMark = "/* seeded bug */"

// mutantsVariable is "all" for every mutant, otherwise those marked as samples are tried.
const mutantsVariable = "MUTANTS"

type mutant struct {
	name     string // "core/listener-not-released"
	patch    string // its path
	title    string // what is wrong
	scenario string
	expect   []string
	flavor   string
	sample   bool
}

var mutantField = regexp.MustCompile(`^(Scenario|Expect|Flavor|Sample): +(.*)$`)

// readMutants reads all patches.
func readMutants(t *testing.T) (mutants []mutant) {
	t.Helper()
	files, err := filepath.Glob("testdata/mutants/*/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mutants in testdata/mutants: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(filepath.Base(file), ".patch")
		m, err := parseMutant(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		m.name = name
		if m.patch, err = filepath.Abs(file); err != nil {
			t.Fatal(err)
		}
		mutants = append(mutants, m)
	}
	return mutants
}

func parseMutant(text string) (mutant, error) {
	m := mutant{flavor: "stock"}
	head, _, ok := strings.Cut("\n"+text, "\n--- ")
	if !ok {
		return m, fmt.Errorf("no diff in it")
	}
	var title []string
	for line := range strings.Lines(head) {
		line = strings.TrimSpace(line)
		field := mutantField.FindStringSubmatch(line)
		switch {
		case field == nil && line != "":
			title = append(title, line)
		case field == nil:
		case field[1] == "Scenario":
			m.scenario = field[2]
		case field[1] == "Expect":
			for e := range strings.SplitSeq(field[2], ",") {
				m.expect = append(m.expect, strings.TrimSpace(e))
			}
		case field[1] == "Flavor":
			m.flavor = field[2]
		case field[1] == "Sample":
			m.sample = field[2] == "yes"
		}
	}
	m.title = strings.Join(title, " ")
	if m.title == "" || m.scenario == "" || len(m.expect) == 0 {
		return m, fmt.Errorf("want a sentence, Scenario: and Expect: before the diff")
	}
	return m, nil
}

// TestMutants holds changed modules to the scenarios: each must be noticed, by whom it says, and where it marks a line, there.
func TestMutants(t *testing.T) {
	all := os.Getenv(mutantsVariable) == "all"
	table := &mutantTable{}
	t.Cleanup(func() { table.write(t) })
	for _, m := range readMutants(t) {
		if !all && !m.sample {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			modules, mark := m.apply(t)
			began := time.Now()
			got := harness.Trial{Modules: modules, Scenarios: m.scenario, Flavor: m.flavor}.Run(t)
			by, ok := m.noticed(got, mark)
			table.add(m, by, ok, time.Since(began), got.Guests)
			if !ok {
				where := ""
				if mark != nil {
					where = " at " + mark.String()
				}
				t.Errorf("%s\nwant %s%s from %s, got:\n%v", m.title, strings.Join(m.expect, " or "), where, m.scenario, got)
			}
		})
	}
}

// noticed tells who has noticed the mutant, and whether that is who should have.
func (m mutant) noticed(got harness.Testimony, mark *finding.Location) (by string, ok bool) {
	for _, f := range got.Findings {
		by = string(f.Oracle) + "/" + string(f.Kind)
		for _, want := range m.expect {
			if want == by && (mark == nil || f.Location != nil && f.Location.File == mark.File && f.Location.Line == mark.Line) {
				return by, true
			}
		}
	}
	if len(got.Failures) > 0 {
		for _, want := range m.expect {
			if want == "scenario" {
				return want, true
			}
		}
		if by == "" {
			by = "scenario"
		}
	}
	return by, false
}

// apply returns a copy of module/ with the mutant in it, and the line that the patch marks, in the terms of the module's DWARF, nil
// where it marks none.
func (m mutant) apply(t *testing.T) (dir string, mark *finding.Location) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../module")); err != nil {
		t.Fatal(err)
	}
	apply := exec.Command("git", "apply", "-p2", m.patch)
	apply.Dir = dir
	// Outside any repository, so that git takes the paths as they are.
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply %s: %v\n%s", m.patch, err, out)
	}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".c" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, mutantMark) {
				rel, err := filepath.Rel(dir, path)
				mark = &finding.Location{File: filepath.ToSlash(rel), Line: i + 1}
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, mark
}

// Every patch applies to the module as it is now: one that no longer does proves nothing, and only a full run would say so.
func TestMutantsApply(t *testing.T) {
	for _, m := range readMutants(t) {
		t.Run(m.name, func(t *testing.T) { m.apply(t) })
	}
}

// Who must notice a mutant is somebody who can: a name that nobody has is noticed by nobody, and only the others beside it hide that.
func TestMutantsExpectWhatThereIs(t *testing.T) {
	for _, m := range readMutants(t) {
		for _, want := range m.expect {
			oracle, kind, _ := strings.Cut(want, "/")
			if want != "scenario" && !finding.Makes(finding.Oracle(oracle), finding.Kind(kind)) {
				t.Errorf("%s expects %s, which no oracle makes", m.name, want)
			}
		}
	}
}

// The tables that are committed are of the mutants that there are: README says of them that all are killed.
func TestMutantsTablesAreWhole(t *testing.T) {
	for _, file := range []string{"../results/mutants.md", "../results/mutants-6.12.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, m := range readMutants(t) {
			want = append(want, m.name+": killed")
		}
		for line := range strings.Lines(string(text)) {
			// | name | what is wrong | flavor | fate | by | time |
			if cells := strings.Split(line, " | "); len(cells) == 6 && strings.HasPrefix(line, "| ") && cells[0] != "| mutant" {
				got = append(got, strings.TrimPrefix(cells[0], "| ")+": "+cells[3])
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is not of these mutants: make mutants (-want +got):\n%s", file, diff)
		}
	}
}
