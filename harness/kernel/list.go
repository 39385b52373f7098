package kernel

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

// Listed is a kernel that is in the cache, that apt offers, or both.
type Listed struct {
	Release string
	Flavor  string
	// Path is the kernel's directory in the cache, "" when it is not there yet.
	Path string
	// Offered tells that apt offers it, with its headers.
	Offered bool
	// Default tells that it is the one taken without a request.
	Default bool
}

// State says in words whether it is in the cache, and whether it is the one taken without a request.
func (l Listed) State() string {
	state := "can be fetched"
	switch {
	case l.Path != "" && l.Flavor != Stock:
		state = "built, in the cache"
	case l.Path != "":
		state = "in the cache"
	}
	if l.Default {
		state += "; the default"
	}
	return state
}

// List returns the kernels in the cache and those that apt offers, newest first. Where apt cannot be asked, that
// error comes with the kernels in the cache.
func List(ctx context.Context, c *cache.Dir) ([]Listed, error) {
	a := archiver{apt.New(c)}
	offered, aptErr := a.candidates(ctx)
	known := map[string]*Listed{}
	for _, o := range offered {
		known[o.release] = &Listed{Release: o.release, Flavor: Stock, Offered: true}
	}
	entries, err := os.ReadDir(filepath.Join(c.Root(), cacheKind))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		path := filepath.Join(c.Root(), cacheKind, e.Name())
		k, err := loadEntry(path)
		if err != nil {
			continue // unfinished, or damaged and replaced when it is asked for
		}
		if known[k.Release] == nil {
			known[k.Release] = &Listed{Release: k.Release, Flavor: k.Flavor}
		}
		known[k.Release].Path = path
	}
	for release := range known {
		names = append(names, "linux-image-"+release, "linux-headers-"+release)
	}
	all := candidates(names)
	list := make([]Listed, 0, len(all))
	for _, c := range all {
		list = append(list, *known[c.release])
	}
	if best := choose(all, ""); len(best) > 0 {
		i := slices.IndexFunc(list, func(l Listed) bool { return l.Release == best[0].release })
		list[i].Default = true
	}
	return list, aptErr
}
