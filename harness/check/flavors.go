package check

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
)

// DefaultFlavors are the flavors that scenarios run on where the user names none.
const DefaultFlavors = kernel.Stock + " " + kernel.KASAN

// flavorVariable is where the scenarios find their flavor: harness.FlavorVariable, which this room cannot import.
const flavorVariable = "FLAVOR"

// chooseFlavors returns the flavors that text names. Where it names none and the kernel is one that cannot be had in flavors, that is
// stock alone, which the note says.
func chooseFlavors(text, want string) (flavors []string, note string, err error) {
	known := kernel.Flavors()
	switch {
	case text == "" && !kernel.Flavorable(want):
		return []string{kernel.Stock}, fmt.Sprintf("KERNEL=%s is taken as it is: no other flavor of it was run", want), nil
	case text == "":
		text = DefaultFlavors
	case text == "all":
		return known, "", nil
	}
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.Contains(known, f) {
			return nil, "", fmt.Errorf("FLAVORS has %q: choose from %s, or all", f, strings.Join(known, ", "))
		}
		if !slices.Contains(flavors, f) {
			flavors = append(flavors, f)
		}
	}
	if flavors == nil {
		return nil, "", fmt.Errorf("FLAVORS is blank: choose from %s, or all", strings.Join(known, ", "))
	}
	return flavors, "", nil
}

// provision fetches or builds the kernel of a flavor.
func (s Spec) provision(ctx context.Context, flavor string) error {
	if s.Provision != nil {
		return s.Provision(ctx, s.Kernel, flavor)
	}
	return Provision(ctx, s.Kernel, flavor)
}

// Provision fetches or builds a kernel, named as KERNEL= names it, in a flavor, and says on stderr how far it is.
func Provision(ctx context.Context, want, flavor string) error {
	c, err := cache.Open()
	if err != nil {
		return err
	}
	_, err = kernel.Provision(ctx, kernel.Spec{Want: want, Flavor: flavor, Cache: c, Logf: report.Progress(os.Stderr)})
	return err
}

// onlyCanaries reports whether nothing but canaries ran.
func onlyCanaries(run *report.Run) bool {
	return len(run.Scenarios) > 0 && !slices.ContainsFunc(run.Scenarios, func(s report.Scenario) bool { return s.Canaries == 0 })
}
