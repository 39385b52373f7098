package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads a run from its directory. Scenarios that are not finished are [Unfinished]: Load is for runs that have
// ended. A record that cannot be read becomes a scenario in [Error]; nothing on disk is passed over in silence.
func Load(dir string) (*Run, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("load run: %w: %w", ErrNoRun, err)
	}
	run := &Run{}
	data, err := os.ReadFile(filepath.Join(dir, runFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("load run: %w: %w", ErrNoRun, err)
	}
	if err == nil {
		err = json.Unmarshal(data, run)
	}
	if err != nil {
		return nil, fmt.Errorf("load run %s: %w", dir, err)
	}
	run.ID, run.Dir = filepath.Base(dir), dir
	entries, err := os.ReadDir(filepath.Join(dir, scenarioDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load run: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			run.Scenarios = append(run.Scenarios, loadScenario(dir, e.Name()))
		}
	}
	slices.SortStableFunc(run.Scenarios, func(a, b Scenario) int { return a.Started.Compare(b.Started) })
	return run, nil
}

// loadScenario reads the record of the scenario in the directory of that name.
func loadScenario(dir, name string) Scenario {
	var s Scenario
	data, err := os.ReadFile(filepath.Join(dir, scenarioDir, name, recordFile))
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s = Scenario{Name: name, Verdict: Unfinished}
	case err != nil:
		s = Scenario{Name: name, Verdict: Error, Result: Result{Error: "read record: " + err.Error()}}
	case s.Verdict == Running:
		s.Verdict = Unfinished
	case s.Verdict != s.verdict():
		// Also a verdict that this version does not know.
		s.Error = fmt.Sprintf("the record says %q, its content %q", s.Verdict, s.verdict())
		s.Verdict = Error
	}
	s.Evidence = evidence(dir, name)
	return s
}

// evidence lists the files of a scenario relative to the run's directory.
func evidence(dir, name string) []string {
	var files []string
	entries, err := os.ReadDir(filepath.Join(dir, scenarioDir, name))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.Name() != recordFile && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(scenarioDir, name, e.Name()))
		}
	}
	return files
}
