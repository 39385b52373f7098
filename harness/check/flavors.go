package check

import (
	"context"
	"os"
	"slices"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
)

// flavorVariable is where the scenarios find their flavor: harness.FlavorVariable, which this room cannot import.
const flavorVariable = "FLAVOR"

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
