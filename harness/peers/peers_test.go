package peers

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

// The distribution's own packages, through the user's cache.
func TestFetchAll(t *testing.T) {
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(recipes)) {
		p, err := Fetch(t.Context(), Spec{Cache: c, Logf: t.Logf}, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var size int64
		paths := map[string]bool{}
		for _, f := range p.Files {
			if paths[f.Path] {
				t.Errorf("%s: %s twice", name, f.Path)
			}
			paths[f.Path] = true
			size += f.Size
		}
		t.Logf("%s: %d files, %d KiB", name, len(p.Files), size>>10)
		if !paths[p.Path] || !paths[guestLibraries+"/libc.so.6"] || !slices.ContainsFunc(p.Files, func(f File) bool {
			return strings.HasPrefix(filepath.Base(f.Path), "ld-linux")
		}) {
			t.Errorf("%s: %v lacks the program, the C library or the loader", name, p.Files)
		}
	}
}

// What a pack holds is enough to run, with nothing of the host's.
func TestPackIsComplete(t *testing.T) {
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Fetch(t.Context(), Spec{Cache: c, Logf: t.Logf}, "curl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var loader, program string
	for _, f := range p.Files {
		to := filepath.Join(dir, filepath.Base(f.Path))
		content, err := os.ReadFile(f.Source)
		if err == nil {
			err = os.WriteFile(to, content, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Path == p.Path:
			program = to
		case strings.HasPrefix(filepath.Base(to), "ld-linux"):
			loader = to
		}
	}
	out, err := exec.CommandContext(t.Context(), loader, "--inhibit-cache", "--library-path", dir, program, "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "curl ") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestFetchRefusesUnknown(t *testing.T) {
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(t.Context(), Spec{Cache: c}, "emacs"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "curl") {
		t.Errorf("%v, want the programs there are", err)
	}
	if _, err := Fetch(t.Context(), Spec{}, "curl"); err == nil {
		t.Error("no error without a cache")
	}
}

// A pack of which a file is gone is made again, without a network where the packages are at hand: here it fails, and says why.
func TestDamagedPackIsNoticed(t *testing.T) {
	dir := t.TempDir()
	meta := `{"name":"x","path":"/usr/bin/x","files":[{"path":"/usr/bin/x","source":"0-x","size":3}]}`
	if err := os.WriteFile(filepath.Join(dir, metaFile), []byte(meta), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := load(dir); err == nil || !strings.Contains(err.Error(), "0-x") {
		t.Errorf("a file is missing: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "0-x"), []byte("xyz"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := load(dir); err != nil {
		t.Error(err)
	}
}

func TestMissingLibraryIsNamed(t *testing.T) {
	self, err := exec.LookPath("ls")
	if err != nil {
		t.Fatal(err)
	}
	_, err = resolve(t.TempDir(), self)
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), ".so") || !strings.Contains(err.Error(), "needed by ls") {
		t.Errorf("%v", err)
	}
}

func TestRecallForgetsWithNewLists(t *testing.T) {
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fetcher{Spec: Spec{Cache: c}, apt: apt.New(c), name: "x"}
	if err := os.MkdirAll(f.apt.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	packages := []apt.Package{{Name: "x", Version: "1"}}
	if err := f.remember("now", packages); err != nil {
		t.Fatal(err)
	}
	if got, ok := f.recall("now"); !ok || fmt.Sprint(got) != fmt.Sprint(packages) {
		t.Errorf("%v, %v", got, ok)
	}
	if _, ok := f.recall("later"); ok {
		t.Error("an old answer for new lists")
	}
}
