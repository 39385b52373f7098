package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ktcp/harness/apt"
)

// cacheKind is the place of unpacked kernels in the cache.
const cacheKind = "kernels"

// keepUnused is how long a kernel that nobody asks for stays in the cache.
const keepUnused = 90 * 24 * time.Hour

// provisioner fetches packaged kernels for one Spec.
type provisioner struct {
	Spec
	apt archiver
}

func newProvisioner(s Spec) *provisioner {
	return &provisioner{Spec: s, apt: archiver{apt.New(s.Cache)}}
}

// packaged returns the packaged kernel that fits the request. What apt answered is remembered until its lists change.
func (p *provisioner) packaged(ctx context.Context, r request) (*Kernel, error) {
	if chosen, ok := p.recall(r); ok && p.current(ctx, chosen) {
		if k, err := p.load(chosen); err == nil {
			p.note(chosen)
			return k, nil
		}
	}
	k, err := p.fetch(ctx, r)
	if err == nil || ctx.Err() != nil {
		return k, err
	}
	// Without a network, yesterday's kernel is better than none.
	cached := p.cached
	if p.flavor() != Stock {
		cached = func(r request) *Kernel { return p.cachedFlavor(ctx, r) }
	}
	if k := cached(r); k != nil {
		p.logf("%v: using %s from the cache", err, k.Release)
		return k, nil
	}
	return nil, err
}

// current reports whether a choice that was made earlier still stands: a flavor is another one when its options or the
// compiler have changed.
func (p *provisioner) current(ctx context.Context, chosen *plan) bool {
	if chosen.Flavor == "" {
		return true
	}
	now, err := recipe(ctx, chosen.Flavor, chosen.Series)
	return err == nil && now == chosen.Recipe
}

// fetch asks apt, fetches what is missing, and refreshes the package lists once where they are empty or too old.
func (p *provisioner) fetch(ctx context.Context, r request) (*Kernel, error) {
	k, err := p.tryFetch(ctx, r)
	var failed *apt.CommandError
	switch {
	case errors.Is(err, errNoLists):
		p.logf("apt's package lists are empty: fetching them into the cache")
	case errors.As(err, &failed) && failed.Stale():
		p.logf("apt's package lists are out of date (%v): fetching new ones into the cache", err)
	default:
		return k, err
	}
	updateErr := p.apt.Update(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	k, err = p.tryFetch(ctx, r)
	switch {
	case errors.Is(err, errNoLists) && updateErr != nil:
		err = fmt.Errorf("%w: apt's package lists are empty and cannot be fetched: %w", ErrNoPackage, updateErr)
	case errors.Is(err, errNoLists):
		err = fmt.Errorf("%w: %w; which sources there are stands in /etc/apt", ErrNoPackage, err)
	}
	return k, err
}

func (p *provisioner) tryFetch(ctx context.Context, r request) (*Kernel, error) {
	stamp := p.apt.Stamp()
	chosen, err := p.apt.plan(ctx, r, p.flavor())
	if err != nil {
		return nil, err
	}
	p.note(chosen)
	fetched := false
	dir, err := p.Cache.Entry(ctx, cacheKind, chosen.key(), func(ctx context.Context, tmp string) error {
		fetched = true
		return p.fill(ctx, chosen, tmp)
	})
	if err != nil {
		return nil, err
	}
	if fetched {
		if err := p.Cache.Prune(ctx, cacheKind, keepUnused); err != nil {
			p.logf("old kernels stay in the cache: %v", err)
		}
	}
	k, err := loadEntry(dir)
	if err != nil {
		// Entries are complete when they are made, so somebody has removed files from this one.
		p.logf("%s is damaged (%v): fetching it again", dir, err)
		if err := p.Cache.Drop(ctx, cacheKind, chosen.key()); err != nil {
			return nil, err
		}
		if dir, err = p.Cache.Entry(ctx, cacheKind, chosen.key(), func(ctx context.Context, tmp string) error {
			return p.fill(ctx, chosen, tmp)
		}); err != nil {
			return nil, err
		}
		if k, err = loadEntry(dir); err != nil {
			return nil, err
		}
	}
	return k, p.remember(r, stamp, chosen)
}

// fill makes a kernel in dir, an empty directory.
func (p *provisioner) fill(ctx context.Context, chosen *plan, dir string) error {
	if chosen.Flavor != "" {
		return p.compile(ctx, chosen, dir)
	}
	return p.unpack(ctx, chosen, dir)
}

func (p *provisioner) note(chosen *plan) {
	if chosen.Note != "" {
		p.logf("%s", chosen.Note)
	}
}

// load returns the kernel of a plan when it is in the cache.
func (p *provisioner) load(chosen *plan) (*Kernel, error) {
	dir := filepath.Join(p.Cache.Root(), cacheKind, chosen.key())
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	// Through Entry, so that it counts as used. It is there, so nothing is built.
	dir, err := p.Cache.Entry(context.Background(), cacheKind, chosen.key(), func(context.Context, string) error { return fs.ErrNotExist })
	if err != nil {
		return nil, err
	}
	return loadEntry(dir)
}

// cached returns the best kernel in the cache that fits the request, nil where there is none.
func (p *provisioner) cached(r request) *Kernel {
	entries, err := os.ReadDir(filepath.Join(p.Cache.Root(), cacheKind))
	if err != nil {
		return nil
	}
	kernels := map[string]*Kernel{}
	var names []string
	for _, e := range entries {
		k, err := loadEntry(filepath.Join(p.Cache.Root(), cacheKind, e.Name()))
		if err != nil || k.Flavor != Stock {
			continue
		}
		kernels[k.Release] = k
		names = append(names, "linux-image-"+k.Release, "linux-headers-"+k.Release)
		if r.name != "" && k.hasVersion(r.name) {
			return k
		}
	}
	if fit := choose(candidates(names), r.name); len(fit) > 0 {
		return kernels[fit[0].release]
	}
	return nil
}

// hasVersion reports whether the kernel's image comes from a package of that version.
func (k *Kernel) hasVersion(version string) bool {
	for _, p := range k.Packages {
		if p.Version == version {
			return true
		}
	}
	return false
}
