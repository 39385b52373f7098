// Package report keeps the results of one run and shows them: as a table for people, as JSON for programs, as KTAP,
// GitHub annotations and a Markdown summary for CI.
//
//	run, err := report.Open(report.Config{Root: projectRoot})
//	sc, err := run.Begin("TestNetnsEachServesItsOwn")
//	console := sc.Path("console.log")            // evidence goes beside the scenario's record
//	err = sc.Finish(report.Result{...})          // written atomically, the verdict last
//	...
//	whole, err := report.Load(run.Dir())
//	fmt.Print(report.Text(whole, report.Terminal(os.Stdout)))
//	os.Exit(whole.ExitCode())
//
// # On disk
//
//	results/latest -> runs/2026-11-23T22-41-07
//	results/runs/2026-11-23T22-41-07/
//	    run.json                                  when and how the run was started
//	    findings.json                             every finding of every scenario
//	    scenarios/TestNetnsEachServesItsOwn/
//	        record.json                           a [Scenario]
//	        console.log ...                       its evidence
//
// The directory is below $KTCP_RESULTS, otherwise results below the project root. A process that finds KTCP_RUN set
// joins that run instead of starting one, so that the test processes of one command share a directory.
//
// # Contract
//
// Silence is failure. A scenario's record says "running" from its start; only Finish replaces that, in one rename. A
// process that was killed therefore leaves a scenario that [Load] shows as unfinished, and a run without scenarios
// fails. Renderers are pure functions of a [Run].
package report
