package harness

import (
	"testing"

	"ktcp/harness/subject"
)

// Role is a part that a module plays towards its clients. A scenario that names a role and no module can judge anyone's.
type Role = subject.Role

// The roles.
const (
	// Echo sends back what it gets, from insmod on: kecho.
	Echo = subject.Echo
	// HTTP answers requests, from insmod on: khttpd.
	HTTP = subject.HTTP
	// Web answers requests in each namespace in which it was switched on: kweb.
	Web = subject.Web
)

// Feature is something that a module may lack without being broken. The modules of this tree lack nothing.
type Feature = subject.Feature

// The features: see package subject.
const (
	FeatureStatistics  = subject.Statistics
	FeatureValidation  = subject.Validation
	FeatureHead        = subject.Head
	FeatureKeepAlive   = subject.KeepAlive
	FeaturePipelining  = subject.Pipelining
	FeatureConformance = subject.Conformance
	FeatureFiles       = subject.Files
	FeatureHalfClose   = subject.HalfClose
	FeatureLinger      = subject.Linger
	FeatureNamespaces  = subject.Namespaces
)

// Parameter is the feature that a module has a parameter of that name.
func Parameter(name string) Feature { return subject.Parameter(name) }

// Stranger is a module that is not of this tree.
type Stranger = subject.Stranger

// Judge holds a stranger to the roles that the scenario names, in place of the modules of this tree.
func Judge(s Stranger) Option {
	return func(g *Guest) { g.stranger = &s }
}

// EachRole runs a scenario as a subtest for each of the roles, or, in a process that judges a stranger, for its role. There it runs beside other
// scenarios: a test waits for its subtests, and with one of them, nothing else would run meanwhile.
func EachRole(t *testing.T, scenario func(t *testing.T, role Role), roles ...Role) {
	t.Helper()
	x, err := subject.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if x != nil {
		t.Parallel()
	}
	for _, role := range roles {
		if x != nil && x.Role != role {
			continue
		}
		t.Run(string(role), func(t *testing.T) { scenario(t, role) })
	}
}
