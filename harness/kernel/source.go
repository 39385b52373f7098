package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

// sourcePackage matches the packages that hold a kernel's source: linux-source-6.1 in Debian, linux-source-6.8.0 in Ubuntu.
var sourcePackage = regexp.MustCompile(`^linux-source-((\d+\.\d+)(?:\.\d+)?)$`)

// planSource asks apt for the source of the kernel that fits the request, to build the flavor from.
func (a archiver) planSource(ctx context.Context, r request, flavor string) (*plan, error) {
	text, err := a.Query(ctx, "", "apt-cache", "pkgnames", "linux-")
	if err != nil {
		return nil, err
	}
	names := strings.Fields(text)
	if len(names) == 0 {
		return nil, errNoLists
	}
	var all []candidate
	for _, n := range names {
		if m := sourcePackage.FindStringSubmatch(n); m != nil {
			// The distribution's flavor is of no matter; one that is preferred lets choose work on sources too.
			all = append(all, candidate{image: n, release: m[1], series: m[2], flavor: preferred[0]})
		}
	}
	slices.SortFunc(all, newestFirst)
	fit, version := choose(all, r.name), ""
	if len(fit) == 0 {
		if fit, version, err = a.byVersion(ctx, all, r.name); err != nil {
			return nil, err
		}
	}
	for _, c := range fit {
		p, err := a.planPackage(ctx, c, version, flavor)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		if r.name == "" && c.series != defaultSeries {
			p.Note = fmt.Sprintf("no source of kernel %s is packaged here: building %s from %s", defaultSeries, flavor, c.series)
		}
		return p, nil
	}
	return nil, a.noSource(r, flavor, all)
}

// planPackage returns how to build the flavor from a package of sources, or nil when that cannot be fetched.
func (a archiver) planPackage(ctx context.Context, c candidate, version, flavor string) (*plan, error) {
	name := c.image
	if version != "" {
		name += "=" + version
	}
	stanzas, err := a.Show(ctx, []string{name})
	if errors.Is(err, apt.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := stanzas[0]
	if s.Size == 0 {
		return nil, nil
	}
	recipe, err := recipe(ctx, flavor, c.series)
	if err != nil {
		return nil, err
	}
	// A package of Ubuntu's depends on the one that the source is in: linux-source on linux-source-6.8.0.
	return &plan{
		Release: c.series + "-" + flavor, Packages: []Package{s.Package}, size: s.Size,
		Flavor: flavor, Series: c.series, Recipe: recipe,
	}, nil
}

// recipe digests what a flavor is made of beside the source: its options and the compiler.
func recipe(ctx context.Context, flavor, series string) (string, error) {
	asked, err := options(flavor, series)
	if err != nil {
		return "", err
	}
	cc, err := apt.Run(ctx, "", nil, buildCompiler, "--version")
	if err != nil {
		return "", missingTools([]string{buildCompiler})
	}
	parts := []string{buildLayout, cc}
	for _, o := range asked {
		parts = append(parts, o.String())
	}
	return cache.Key(parts...), nil
}

// noSource is the error for a flavor of a kernel whose source is not packaged.
func (a archiver) noSource(r request, flavor string, all []candidate) error {
	want := r.name
	if want == "" {
		want = defaultSeries
	}
	var have []string
	for _, c := range all {
		have = append(have, c.series)
	}
	if have == nil {
		have = []string{"none"}
	}
	return fmt.Errorf("%w with the source of %q, which the flavor %s is built from: apt offers the source of %s (%s); "+
		"choose one of them with KERNEL=, or run: sudo apt-get update", ErrNoPackage, want, flavor, strings.Join(have, ", "), a.Age())
}

// cachedFlavor returns a kernel in the cache that fits the request and was built with the options and the compiler of today, nil where
// there is none.
func (p *provisioner) cachedFlavor(ctx context.Context, r request) *Kernel {
	entries, err := os.ReadDir(filepath.Join(p.Cache.Root(), cacheKind))
	if err != nil {
		return nil
	}
	var best *Kernel
	for _, e := range entries {
		dir := filepath.Join(p.Cache.Root(), cacheKind, e.Name())
		k, err := loadEntry(dir)
		if err != nil || k.Flavor != p.flavor() {
			continue
		}
		series := seriesPattern.FindString(k.Release)
		name := cmp.Or(r.name, defaultSeries)
		if !within(k.Release, name) && !k.hasVersion(name) {
			continue
		}
		want, err := recipe(ctx, k.Flavor, series)
		made, madeErr := readMeta(dir)
		if err != nil || madeErr != nil || made.Recipe != want {
			continue
		}
		if best == nil || compareVersions(k.Release, best.Release) > 0 {
			best = k
		}
	}
	return best
}

// seriesPattern is the series that a release belongs to.
var seriesPattern = regexp.MustCompile(`^\d+\.\d+`)
