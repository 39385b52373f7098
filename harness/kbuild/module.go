package kbuild

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ktcp/harness/cache"
)

// Module is a module that was built. Its files belong to the cache and are only read.
type Module struct {
	Name     string // as the kernel spells it: hyphens are underscores
	KO       string // path of the .ko with DWARF, for the host
	Stripped string // path of the .ko without DWARF, for the guest
	Source   string // the directory that it was built from, absolute
	Root     string // the directory that the paths in DWARF are relative to, absolute
	ID       string // a digest of everything that it is made from
	Log      string // all that make said, with the user's paths
	Warnings []string
}

// Files of an entry in the cache.
const (
	metaFile    = "meta.json"
	koDir       = "ko"
	strippedDir = "stripped"
)

// meta describes an entry.
type meta struct {
	Files []string `json:"files"` // NAME.ko, sorted
	Log   string   `json:"log"`   // with [rootMark] for the source root
}

// canonical is a module's name as the kernel spells it.
func canonical(name string) string {
	return strings.ReplaceAll(strings.TrimSuffix(name, ".ko"), "-", "_")
}

// load returns the module of an entry that was asked for.
func load(entry, key, name string, at place) (*Module, error) {
	text, err := os.ReadFile(filepath.Join(entry, metaFile))
	if err != nil {
		return nil, fmt.Errorf("read module in the cache: %w", err)
	}
	var m meta
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(entry, metaFile), err)
	}
	file, err := pick(m.Files, name, filepath.Base(at.source()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shorter(at.source(), workingDir()), err)
	}
	module := &Module{
		Name:     canonical(file),
		KO:       filepath.Join(entry, koDir, file),
		Stripped: filepath.Join(entry, strippedDir, file),
		Source:   at.source(),
		Root:     at.shown,
		ID:       cache.Key(key, file),
		Log:      unmark(m.Log, at.shown, workingDir()),
	}
	module.Warnings = warnings(module.Log)
	for _, path := range []string{module.KO, module.Stripped} {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("read module in the cache: %w", err)
		}
	}
	return module, nil
}

// pick chooses one of the files that a directory made: the one named, the only one, or the one called like the directory.
func pick(files []string, name, dir string) (string, error) {
	find := func(name string) (string, bool) {
		i := slices.IndexFunc(files, func(f string) bool { return canonical(f) == canonical(name) })
		if i < 0 {
			return "", false
		}
		return files[i], true
	}
	if name != "" {
		if file, ok := find(name); ok {
			return file, nil
		}
		return "", fmt.Errorf("%w as %s: the directory makes %s", ErrNoModule, name, strings.Join(files, ", "))
	}
	if len(files) == 1 {
		return files[0], nil
	}
	if file, ok := find(dir); ok {
		return file, nil
	}
	var names []string
	for _, f := range files {
		names = append(names, canonical(f))
	}
	return "", &AmbiguousError{Names: names}
}
