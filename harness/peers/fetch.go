package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

const (
	// cacheKind is the place of packs in the cache.
	cacheKind = "peers"
	// keepUnused is how long one that nobody asks for stays there.
	keepUnused = 90 * 24 * time.Hour
	// layout changes when packs are made differently of the same packages.
	layout = "1"
	// metaFile describes a pack.
	metaFile = "meta.json"
)

// Spec says where to keep packs.
type Spec struct {
	Cache *cache.Dir
	// Logf says what is being done where it takes time. It may be nil.
	Logf func(format string, args ...any)
}

// Pack is a program with all that it needs.
type Pack struct {
	Name     string        `json:"name"`
	Path     string        `json:"path"` // of the program in the guest
	Files    []File        `json:"files"`
	Packages []apt.Package `json:"packages"`
}

// File is a file of a pack.
type File struct {
	Path   string `json:"path"`   // in the guest
	Source string `json:"source"` // on the host
	Size   int64  `json:"size"`
}

// fetcher fetches one program.
type fetcher struct {
	Spec
	apt  *apt.Apt
	name string
	recipe
}

// Fetch returns the pack of a program, made now or earlier. Errors wrap [ErrUnknown], [ErrIncomplete], [apt.ErrUnknown],
// [apt.ErrMissing] or [cache.ErrUnusable], or are an [*apt.CommandError].
func Fetch(ctx context.Context, s Spec, name string) (*Pack, error) {
	if s.Cache == nil {
		return nil, errors.New("peers without a cache")
	}
	if s.Logf == nil {
		s.Logf = func(string, ...any) {}
	}
	r, err := lookUp(name)
	if err != nil {
		return nil, err
	}
	f := &fetcher{Spec: s, apt: apt.New(s.Cache), name: name, recipe: r}
	p, err := f.fetch(ctx)
	if err == nil || ctx.Err() != nil {
		return p, err
	}
	// Without a network, yesterday's is better than none.
	if p := f.cached(); p != nil {
		s.Logf("%v: using %s from the cache", err, name)
		return p, nil
	}
	return nil, fmt.Errorf("fetch %s: %w", name, err)
}

// fetch asks apt, unless it has answered since its lists changed, and refreshes the lists once where they are empty or
// too old.
func (f *fetcher) fetch(ctx context.Context) (*Pack, error) {
	stamp := f.apt.Stamp()
	if packages, ok := f.recall(stamp); ok {
		return f.pack(ctx, packages)
	}
	p, err := f.ask(ctx, stamp)
	var failed *apt.CommandError
	if errors.Is(err, apt.ErrUnknown) || errors.As(err, &failed) && failed.Stale() {
		f.Logf("apt's package lists are empty or out of date: fetching new ones into the cache")
		if updateErr := f.apt.Update(ctx); updateErr != nil {
			return nil, errors.Join(err, updateErr)
		}
		return f.ask(ctx, f.apt.Stamp())
	}
	return p, err
}

// ask makes the pack of the packages that apt names.
func (f *fetcher) ask(ctx context.Context, stamp string) (*Pack, error) {
	stanzas, err := apt.Closure(ctx, f.apt.Show, wanted, f.pkg)
	if err != nil {
		return nil, err
	}
	var packages []apt.Package
	for _, s := range stanzas {
		packages = append(packages, s.Package)
	}
	p, err := f.pack(ctx, packages)
	if err != nil {
		return nil, err
	}
	return p, f.remember(stamp, packages)
}

// pack returns the pack that is made of the packages.
func (f *fetcher) pack(ctx context.Context, packages []apt.Package) (*Pack, error) {
	parts := []string{layout}
	for _, p := range packages {
		parts = append(parts, p.Name, p.Version)
	}
	key := f.name + "-" + cache.Key(parts...)
	build := func(ctx context.Context, tmp string) error {
		f.Logf("fetching %s and %d packages with its libraries", f.pkg, len(packages)-1)
		return f.build(ctx, tmp, packages)
	}
	for retry := false; ; retry = true {
		dir, err := f.Cache.Entry(ctx, cacheKind, key, build)
		if err != nil {
			return nil, err
		}
		p, err := load(dir)
		if err == nil {
			return p, f.Cache.Prune(ctx, cacheKind, keepUnused)
		}
		if retry {
			return nil, err
		}
		f.Logf("%s is damaged (%v): making it again", dir, err)
		if err := f.Cache.Drop(ctx, cacheKind, key); err != nil {
			return nil, err
		}
	}
}

// load reads a pack from the cache.
func load(dir string) (*Pack, error) {
	text, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil {
		return nil, fmt.Errorf("read pack: %w", err)
	}
	var p Pack
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read pack: %w", err)
	}
	for i := range p.Files {
		file := &p.Files[i]
		file.Source = filepath.Join(dir, file.Source)
		if info, err := os.Stat(file.Source); err != nil || info.Size() != file.Size {
			return nil, fmt.Errorf("read pack: %s is missing or cut short", file.Source)
		}
	}
	return &p, nil
}

// cached returns a pack of the program that is in the cache.
func (f *fetcher) cached() *Pack {
	dirs, _ := filepath.Glob(filepath.Join(f.Cache.Root(), cacheKind, f.name+"-*"))
	for _, dir := range dirs {
		if p, err := load(dir); err == nil {
			return p
		}
	}
	return nil
}

// memory is what apt answered.
type memory struct {
	Stamp    string        `json:"stamp"` // of the package lists
	Packages []apt.Package `json:"packages"`
}

func (f *fetcher) memoryFile() string {
	return filepath.Join(f.apt.Dir, "peer-"+f.name+"-"+layout+".json")
}

func (f *fetcher) recall(stamp string) ([]apt.Package, bool) {
	text, err := os.ReadFile(f.memoryFile())
	if err != nil {
		return nil, false
	}
	var m memory
	err = json.Unmarshal(text, &m)
	return m.Packages, err == nil && m.Stamp == stamp && len(m.Packages) > 0
}

func (f *fetcher) remember(stamp string, packages []apt.Package) error {
	text, err := json.Marshal(memory{stamp, packages})
	if err != nil {
		return err
	}
	return apt.ReplaceFile(f.memoryFile(), text)
}
