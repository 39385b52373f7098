package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadPassesNothingOver(t *testing.T) {
	isolate(t)
	spoil := map[string]struct {
		do   func(dir string) error
		want Verdict
	}{
		"no record":        {func(dir string) error { return os.Remove(filepath.Join(dir, recordFile)) }, Unfinished},
		"half a record":    {func(dir string) error { return os.Truncate(filepath.Join(dir, recordFile), 20) }, Error},
		"empty record":     {func(dir string) error { return os.Truncate(filepath.Join(dir, recordFile), 0) }, Error},
		"unknown verdict":  {func(dir string) error { return edit(dir, `"pass"`, `"fine"`) }, Error},
		"passed after all": {func(dir string) error { return edit(dir, `"pass"`, `"pass", "failed": true`) }, Error},
	}
	for name, tt := range spoil {
		t.Run(name, func(t *testing.T) {
			r := openRun(t)
			e, err := r.Begin("TestA")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Finish(Result{}); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(e.Dir()); err != nil {
				t.Fatal(err)
			}
			run, err := Load(r.Dir())
			if err != nil {
				t.Fatal(err)
			}
			if len(run.Scenarios) != 1 || run.Scenarios[0].Verdict != tt.want || run.ExitCode() != ExitInvalid {
				t.Errorf("exit code %d, scenarios %+v", run.ExitCode(), run.Scenarios)
			}
		})
	}
}

// edit replaces text in a record.
func edit(dir, from, to string) error {
	path := filepath.Join(dir, recordFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), from) {
		return fmt.Errorf("%s does not hold %s", path, from)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o644)
}

func TestLoadOfNoRun(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		if _, err := Load(dir); !errors.Is(err, ErrNoRun) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
