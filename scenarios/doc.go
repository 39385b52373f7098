// Package scenarios holds the tests of the modules: each reads as the story that it tests. There is nothing to import
// here; what scenarios have in common is in package harness.
//
// A scenario is a test that begins with t.Parallel() and g := harness.Clone(t), with options where the story needs them: harness.SMP() where things
// happen at the same time, harness.OnInstructions() where time matters. "go doc ktcp/harness" lists what there is to do with a guest. Helpers
// fail the test themselves; the oracles judge the guest when the test has ended.
//
// A scenario that loads its module by a role, with g.Serve(harness.Echo), HTTP or Web, or for each role with harness.EachRole, is held to
// strangers' modules, too: ktcp vet reads these files and runs what applies. It says of a flaw the first sentence of the scenario's comment, or
// its name where there is none. What a stranger may lack, the scenario asks for: s.Needs(harness.FeaturePipelining), and a parameter in g.Serve.
//
// A scenario that loads a module by its name, with g.Insmod("kweb"), or brings modules of its own, with Sources, Witness, Judge or Trial, is
// about the modules of this tree and no other.
package scenarios
