package kernel

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"ktcp/harness/apt"
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
	// Flavor, Series and Recipe are set for a kernel that is built from source.
	Flavor string `json:"flavor,omitempty"`
	Series string `json:"series,omitempty"`
	Recipe string `json:"recipe,omitempty"`
	size   int64  // bytes to fetch
}

// archiver chooses kernels among apt's packages.
type archiver struct{ *apt.Apt }

// key is the name of the kernel's entry in the cache.
func (p *plan) key() string {
	parts := []string{layout}
	if p.Recipe != "" {
		parts = append(parts, p.Recipe)
	}
	for _, pkg := range p.Packages {
		parts = append(parts, pkg.Name, pkg.Version)
	}
	return p.Release + "-" + cache.Key(parts...)
}

// errNoLists tells that apt knows no kernel at all: its lists are empty.
var errNoLists = errors.New("apt knows no kernel packages")

// plan asks apt for the best kernel that fits the request.
func (a archiver) plan(ctx context.Context, r request, flavor string) (*plan, error) {
	if flavor != Stock {
		return a.planSource(ctx, r, flavor)
	}
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
func (a archiver) candidates(ctx context.Context) ([]candidate, error) {
	names, err := a.Query(ctx, "", "apt-cache", "pkgnames", "linux-")
	if err != nil {
		return nil, explain(err)
	}
	return candidates(strings.Fields(names)), nil
}

// planFor returns what to fetch for a candidate, or nil when it cannot be fetched.
func (a archiver) planFor(ctx context.Context, c candidate, version string) (*plan, error) {
	names := []string{c.image, c.headers}
	if version != "" {
		names = []string{c.image + "=" + version, c.headers}
	}
	stanzas, err := apt.Closure(ctx, a.Show, partOfKernel.MatchString, names...)
	if errors.Is(err, apt.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &plan{Release: c.release}
	for _, s := range stanzas {
		if s.Size == 0 {
			return nil, nil
		}
		p.size += s.Size
		p.Packages = append(p.Packages, s.Package)
	}
	return p, nil
}

// partOfKernel matches the packages that a kernel and its headers are spread over. The compiler and everything else that
// runs on the host is not among them.
var partOfKernel = regexp.MustCompile(`^linux-(?:.+-)?(?:headers|kbuild|modules)-`)

// byVersion returns the candidates whose package version is the one named, with that version.
func (a archiver) byVersion(ctx context.Context, all []candidate, name string) ([]candidate, string, error) {
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
	text, err := a.Query(ctx, "", argv...)
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
func (a archiver) noPackage(r request, all []candidate) error {
	want := r.name
	if want == "" {
		want = defaultSeries
	}
	have := newestOfEach(all)
	if len(have) == 0 {
		have = []string{"none"}
	}
	return fmt.Errorf("%w fits %q: apt offers %s (%s); choose one of them with KERNEL=, or run: sudo apt-get update",
		ErrNoPackage, want, strings.Join(have, ", "), a.Age())
}

// explain says what else can be done where nothing can be fetched.
func explain(err error) error {
	if errors.Is(err, apt.ErrMissing) {
		return fmt.Errorf("%w: %w: give KERNEL=host or KERNEL=DIR", ErrNoPackage, err)
	}
	return err
}
