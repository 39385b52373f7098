// Package harness is what a scenario imports: a pristine guest, modules to load into it, network namespaces and
// clients inside it, and at the end a verdict that nobody has to ask for.
//
//	func TestNetnsEachServesItsOwn(t *testing.T) {
//		g := harness.Clone(t)
//		kweb := g.Insmod("kweb", "port=9999")
//		red, blue := g.Netns("red"), g.Netns("blue")
//		kweb.Enable(red)
//		red.Get("127.0.0.1:9999")
//		blue.Refuses("127.0.0.1:9999")
//	}
//
// Helpers take or hold a testing.TB, fail the test themselves and return no error. When the test ends, whatever its
// outcome, every module that is still loaded is unloaded under a deadline, the oracles run, their findings are
// written to the run's results, and the guest is thrown away. An oracle that cannot run is a finding.
//
// The first call in a process provisions what is missing (kernel, agent, modules, template) and says so.
package harness
