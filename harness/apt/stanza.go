package apt

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Package is a package of the distribution.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Stanza is what apt tells of one version of a package.
type Stanza struct {
	Package
	Size    int64    // of the .deb, in bytes; 0 for a package that is only installed and cannot be fetched
	Depends []string // first alternatives, with the version where it must be a certain one: "name=version"
}

// parseStanzas reads the output of apt-cache show.
func parseStanzas(text string) []Stanza {
	var all []Stanza
	for block := range strings.SplitSeq(text, "\n\n") {
		var s Stanza
		var fetchable bool
		for line := range strings.Lines(block) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok || line[0] == ' ' {
				continue
			}
			switch name {
			case "Package":
				s.Name = value
			case "Version":
				s.Version = value
			case "Size":
				s.Size, _ = strconv.ParseInt(value, 10, 64)
			case "Filename":
				fetchable = true
			case "Depends":
				s.Depends = parseDepends(value)
			}
		}
		if !fetchable {
			s.Size = 0
		}
		if s.Name != "" {
			all = append(all, s)
		}
	}
	return all
}

var dependency = regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]*)(?::\w+)?(?:\s*\(=\s*([^)]+)\))?`)

// parseDepends reads a Depends field. Of alternatives it takes the first; of versions only those that must be met exactly.
func parseDepends(field string) []string {
	var names []string
	for item := range strings.SplitSeq(field, ",") {
		m := dependency.FindStringSubmatch(strings.TrimSpace(item))
		switch {
		case m == nil:
		case m[2] != "":
			names = append(names, m[1]+"="+m[2])
		default:
			names = append(names, m[1])
		}
	}
	return names
}

// Show is [Apt.Show].
type Show func(ctx context.Context, names []string) ([]Stanza, error)

// Closure returns the packages named ("name" or "name=version") and those that they depend on, as far as wanted accepts
// them, sorted by name. show is asked for several packages at once.
func Closure(ctx context.Context, show Show, wanted func(name string) bool, names ...string) ([]Stanza, error) {
	var all []Stanza
	seen := map[string]bool{}
	for len(names) > 0 {
		for _, n := range names {
			seen[bareName(n)] = true
		}
		stanzas, err := show(ctx, names)
		if err != nil {
			return nil, err
		}
		names = nil
		for _, s := range stanzas {
			all = append(all, s)
			for _, d := range s.Depends {
				if n := bareName(d); wanted(n) && !seen[n] {
					seen[n] = true
					names = append(names, d)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Stanza) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func bareName(spec string) string {
	name, _, _ := strings.Cut(spec, "=")
	return name
}
