package kernel

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	// Stock is the flavor of a kernel as somebody else built it: a distribution, or the user.
	Stock = "stock"
	// KASAN finds what is wrong with memory, locks, contexts and lifetimes.
	KASAN = "kasan"
	// KCSAN finds data races.
	KCSAN = "kcsan"
)

// flavors are those that Provision can provide.
var flavors = []string{Stock, KASAN, KCSAN}

// Flavors returns the flavors that there are.
func Flavors() []string { return slices.Clone(flavors) }

// Flavorable reports whether the kernel that the user asks for can be had in other flavors than [Stock]: not where it is one that somebody
// has built.
func Flavorable(want string) bool {
	r, err := parseRequest(want)
	return err != nil || !r.host && r.dir == ""
}

//go:embed flavors/*.config
var fragments embed.FS

// baseFragment is what all flavors that are built here have in common.
const baseFragment = "base"

// option is one line of a configuration fragment.
type option struct {
	name  string // CONFIG_KASAN
	value string // as in .config; "" for one that must not be set
}

// String returns the option as it stands in .config.
func (o option) String() string {
	if o.value == "" {
		return "# " + o.name + " is not set"
	}
	return o.name + "=" + o.value
}

// optionLine is a line of a fragment: the option, and the kernels that know it.
var optionLine = regexp.MustCompile(`^(?:# (CONFIG_\w+) is not set|(CONFIG_\w+)=(".*"|\S+))(?: (since|until) (\d+\.\d+))?$`)

// options returns what a flavor asks of a kernel of that series.
func options(flavor, series string) ([]option, error) {
	var all []option
	for _, name := range []string{baseFragment, flavor} {
		text, err := fragments.ReadFile("flavors/" + name + ".config")
		if err != nil {
			return nil, fmt.Errorf("%w: %q", ErrUnknownFlavor, flavor)
		}
		own, err := parseFragment(string(text), series)
		if err != nil {
			return nil, fmt.Errorf("%s.config: %w", name, err)
		}
		all = append(all, own...)
	}
	return all, nil
}

// parseFragment returns the options that a kernel of the series is asked for. A line that is neither an option nor
// a comment is an error: it would be left out in silence otherwise.
func parseFragment(text, series string) ([]option, error) {
	var all []option
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		m := optionLine.FindStringSubmatch(line)
		switch {
		case m == nil && (line == "" || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# CONFIG_")):
			continue
		case m == nil:
			return nil, fmt.Errorf("line %d: cannot read %q", n, line)
		}
		known := compareVersions(series, m[5]) >= 0
		if m[4] == "since" && !known || m[4] == "until" && known {
			continue
		}
		all = append(all, option{name: m[1] + m[2], value: strings.Trim(m[3], `"`)})
	}
	return all, nil
}

// unmet returns the options that a configuration does not have as they were asked for.
func unmet(asked []option, config map[string]string) []string {
	var lines []string
	for _, o := range asked {
		got := config[o.name]
		if got == o.value {
			continue
		}
		if got == "" {
			got = "not set"
		}
		lines = append(lines, fmt.Sprintf("%v (it is %s)", o, got))
	}
	return lines
}
