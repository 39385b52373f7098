package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenInAPlaceThatCannotBeUsed(t *testing.T) {
	isolate(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{Results: filepath.Join(file, "results")}, {Join: filepath.Join(file, "run")}} {
		r, err := Open(c)
		if r != nil || !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "KTCP_RESULTS") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestPlaceError(t *testing.T) {
	for _, err := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, fs.ErrPermission, syscall.ENOTDIR} {
		got := placeError("finish TestA", "/results", fmt.Errorf("write: %w", err))
		if !errors.Is(got, ErrUnusable) || !strings.HasPrefix(got.Error(), "finish TestA: ") || strings.Contains(got.Error(), "\n") {
			t.Errorf("%v: %v", err, got)
		}
	}
	if err := placeError("x", "/results", nil); err != nil {
		t.Error(err)
	}
	if err := placeError("x", "/results", fs.ErrExist); errors.Is(err, ErrUnusable) || !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
}

func TestEnvironmentMovesResults(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	t.Setenv(ResultsVariable, dir)
	r, err := Open(Config{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(filepath.Dir(r.Dir())) != dir {
		t.Errorf("run in %s, want it below %s", r.Dir(), dir)
	}
}

func TestFileName(t *testing.T) {
	for _, name := range []string{"TestA", "TestA/port=0", "TestA/../../etc", "..", ".", "", recordFile, "a b\n", strings.Repeat("long", 100), "ü"} {
		got := fileName(name)
		if strings.ContainsAny(got, "/\n ") || got == "" || got == "." || got == ".." || got == recordFile || len(got) > maxName {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}

// A run that was sent elsewhere is looked for there.
func TestLatestIsWhereRunsGo(t *testing.T) {
	t.Setenv(RunVariable, "")
	for _, set := range []string{"", t.TempDir()} {
		t.Setenv(ResultsVariable, set)
		c := Config{Root: t.TempDir()}
		r, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := filepath.EvalSymlinks(c.Latest())
		if err != nil || got != r.Dir() {
			t.Errorf("with %s=%q the last run is %q, %v, want %q", ResultsVariable, set, got, err, r.Dir())
		}
	}
}
