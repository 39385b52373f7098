package kernel

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// preferred are the distributions' flavors in the order in which they are taken: small and made for virtual machines
// first. Others (rt, azure, lowlatency ...) only when the user names them.
var preferred = []string{"cloud-amd64", "amd64", "generic"}

// releasePattern matches releases and leaves out metapackages such as 6.12-cloud-amd64.
var releasePattern = regexp.MustCompile(`^(\d+\.\d+)\.\d.*?-([a-z][a-z0-9-]*)$`)

// candidate is a kernel that is packaged with its headers.
type candidate struct {
	image, headers string // package names
	release        string
	series         string // "6.1"
	flavor         string // of the distribution: "cloud-amd64"
}

// candidates pairs images with headers from the names of all packages, newest first, a preferred flavor before
// others of the same version.
func candidates(names []string) []candidate {
	headers := map[string]bool{}
	for _, n := range names {
		headers[n] = true
	}
	found := map[string]candidate{}
	for _, n := range names {
		release, ok := strings.CutPrefix(n, "linux-image-")
		if !ok || strings.HasSuffix(release, "-dbg") || strings.HasSuffix(release, "-dbgsym") {
			continue
		}
		// The image without a signature is the same kernel under a longer name; it is taken where it is the only one.
		release = strings.TrimSuffix(strings.TrimPrefix(release, "unsigned-"), "-unsigned")
		m := releasePattern.FindStringSubmatch(release)
		if m == nil || !headers["linux-headers-"+release] {
			continue
		}
		if old, ok := found[release]; ok && len(old.image) <= len(n) {
			continue
		}
		found[release] = candidate{image: n, headers: "linux-headers-" + release, release: release, series: m[1], flavor: m[2]}
	}
	list := make([]candidate, 0, len(found))
	for _, c := range found {
		list = append(list, c)
	}
	slices.SortFunc(list, newestFirst)
	return list
}

func newestFirst(a, b candidate) int {
	if c := compareVersions(strings.TrimSuffix(b.release, b.flavor), strings.TrimSuffix(a.release, a.flavor)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.release, b.release))
}

// rank is a candidate's place among the preferred flavors, or behind them.
func rank(c candidate) int {
	if i := slices.Index(preferred, c.flavor); i >= 0 {
		return i
	}
	return len(preferred)
}

// choose returns those of all that fit a name, best first. Among those that fit the best flavor wins, then the
// newest version. Without a name it is the default series or, where that is not packaged, the series nearest above
// it, otherwise the highest below.
func choose(all []candidate, name string) []candidate {
	if name == "" {
		series := nearestSeries(all)
		if series == "" {
			return nil
		}
		name = series
	}
	var fit []candidate
	for _, c := range all {
		if c.release == name {
			return []candidate{c}
		}
		if within(c.release, name) && rank(c) < len(preferred) {
			fit = append(fit, c)
		}
	}
	slices.SortStableFunc(fit, func(a, b candidate) int { return cmp.Compare(rank(a), rank(b)) })
	return fit
}

// nearestSeries is the series to take where the user named none.
func nearestSeries(all []candidate) string {
	best := ""
	for _, c := range all {
		if rank(c) == len(preferred) {
			continue
		}
		above, bestAbove := compareVersions(c.series, defaultSeries) >= 0, best != "" && compareVersions(best, defaultSeries) >= 0
		switch {
		case best == "", above && !bestAbove:
			best = c.series
		case above == bestAbove:
			if order := compareVersions(c.series, best); (above && order < 0) || (!above && order > 0) {
				best = c.series
			}
		}
	}
	return best
}

// within reports whether version is the one that name spells out, or begins with it: 6.1.0-56-cloud-amd64 is
// within 6.1, not within 6.
func within(version, name string) bool {
	rest, ok := strings.CutPrefix(version, name)
	return ok && strings.Contains(name, ".") && (rest == "" || strings.ContainsRune(".-+~", rune(rest[0])))
}

// newestOfEach returns the newest release of each series in its best flavor, for messages.
func newestOfEach(all []candidate) []string {
	var releases []string
	seen := map[string]bool{}
	for _, c := range all {
		if !seen[c.series] && rank(c) < len(preferred) {
			seen[c.series] = true
			releases = append(releases, choose(all, c.series)[0].release)
		}
	}
	return releases
}
