package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ktcp/harness/cache"
)

// layout changes when packages are laid out differently in the cache.
const layout = "1"

// plan is a kernel that can be fetched: which packages, of which versions.
type plan struct {
	Release  string    `json:"release"`
	Packages []Package `json:"packages"`
	// Note tells the user what he did not ask for: another series than usual.
	Note string `json:"note,omitempty"`
	size int64  // bytes to fetch
}

// key is the name of the kernel's entry in the cache.
func (p *plan) key() string {
	parts := []string{layout}
	for _, pkg := range p.Packages {
		parts = append(parts, pkg.Name, pkg.Version)
	}
	return p.Release + "-" + cache.Key(parts...)
}

// errNoLists tells that apt knows no kernel at all: its lists are empty.
var errNoLists = errors.New("apt knows no kernel packages")

// plan asks apt for the best kernel that fits the request.
func (a *apt) plan(ctx context.Context, r request) (*plan, error) {
	all, err := a.candidates(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errNoLists
	}
	version := ""
	fit := choose(all, r.name)
	if len(fit) == 0 {
		if fit, version, err = a.byVersion(ctx, all, r.name); err != nil {
			return nil, err
		}
	}
	for _, c := range fit {
		p, err := a.planFor(ctx, c, version)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		if r.name == "" && c.series != defaultSeries {
			p.Note = fmt.Sprintf("no kernel %s is packaged here: using %s", defaultSeries, c.release)
		}
		return p, nil
	}
	return nil, a.noPackage(r, all)
}

// candidates are all kernels that apt knows, newest first.
func (a *apt) candidates(ctx context.Context) ([]candidate, error) {
	names, err := a.query(ctx, "", "apt-cache", "pkgnames", "linux-")
	if err != nil {
		return nil, err
	}
	return candidates(strings.Fields(names)), nil
}

// planFor returns what to fetch for a candidate, or nil when it cannot be fetched.
func (a *apt) planFor(ctx context.Context, c candidate, version string) (*plan, error) {
	names := []string{c.image, c.headers}
	if version != "" {
		names = []string{c.image + "=" + version, c.headers}
	}
	stanzas, err := closure(ctx, a.show, names...)
	if errors.Is(err, errUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &plan{Release: c.release}
	for _, s := range stanzas {
		if s.size == 0 {
			return nil, nil
		}
		p.size += s.size
		p.Packages = append(p.Packages, s.Package)
	}
	return p, nil
}

// errUnknown tells that apt does not know one of the packages, or not in that version.
var errUnknown = errors.New("package is not known")

// show returns what apt knows of the packages named.
func (a *apt) show(ctx context.Context, names []string) ([]stanza, error) {
	text, err := a.query(ctx, "", append([]string{"apt-cache", "show", "--no-all-versions"}, names...)...)
	var failed *CommandError
	if errors.As(err, &failed) && strings.Contains(failed.Output, "No packages found") {
		return nil, errUnknown
	}
	if err != nil {
		return nil, err
	}
	stanzas := parseStanzas(text)
	if len(stanzas) < len(names) {
		return nil, errUnknown
	}
	return stanzas, nil
}

// byVersion returns the candidates whose package version is the one named, with that version.
func (a *apt) byVersion(ctx context.Context, all []candidate, name string) ([]candidate, string, error) {
	images := map[string]candidate{}
	argv := []string{"apt-cache", "madison"}
	for _, c := range all {
		if rank(c) < len(preferred) {
			images[c.image] = c
			argv = append(argv, c.image)
		}
	}
	if name == "" || len(images) == 0 {
		return nil, "", nil
	}
	text, err := a.query(ctx, "", argv...)
	if err != nil {
		return nil, "", err
	}
	var fit []candidate
	version := ""
	for line := range strings.Lines(text) {
		fields := strings.Split(line, "|")
		if len(fields) < 3 {
			continue
		}
		c, v := images[strings.TrimSpace(fields[0])], strings.TrimSpace(fields[1])
		if c.image == "" || !within(v, name) {
			continue
		}
		// Best flavor first, then the newest version.
		if fit == nil || rank(c) < rank(fit[0]) || rank(c) == rank(fit[0]) && compareVersions(v, version) > 0 {
			fit, version = []candidate{c}, v
		}
	}
	return fit, version, nil
}

// noPackage is the error for a request that nothing fits.
func (a *apt) noPackage(r request, all []candidate) error {
	want := r.name
	if want == "" {
		want = defaultSeries
	}
	have := newestOfEach(all)
	if len(have) == 0 {
		have = []string{"none"}
	}
	return fmt.Errorf("%w fits %q: apt offers %s (%s); choose one of them with KERNEL=, or run: sudo apt-get update",
		ErrNoPackage, want, strings.Join(have, ", "), a.age())
}
