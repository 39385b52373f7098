package harness

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"ktcp/harness/report"
	"ktcp/harness/subject"
)

// Main is the TestMain of a package of scenarios: it runs them, completes the run's results and, where this process started
// the run, says what the verdict is. Call it as os.Exit(harness.Main(m)).
func Main(m *testing.M) int {
	beside()
	code := m.Run()
	if !provisioned.Load() {
		return code // no scenario asked for a guest: -list, benchmarks of something else, or none that matched
	}
	r, err := shared()
	if err != nil {
		return max(code, 1) // every scenario has said so
	}
	run, err := r.run.Close()
	if err == nil && code != 0 && run.ExitCode() == report.ExitClean {
		// A test failed before it had a record, or beside one: the records alone would say that all is well.
		if err = r.run.Fail(errors.New("go test failed although every record passes: see its output")); err == nil {
			run, err = r.run.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ktcp: complete the results:", err)
		return max(code, 1)
	}
	if !r.run.Owner() {
		return code
	}
	if run.ExitCode() != report.ExitClean {
		code = max(code, 1)
	}
	fmt.Printf("%s; evidence in %s\n", run.Headline(), run.Dir)
	return code
}

// beside has go test run three scenarios at once for every two processors, where -parallel does not say otherwise: a guest of one processor
// waits for a third of its time, for packets, for grace periods and for what may yet show. Those of a stranger have two each, and wait for
// nothing.
func beside() {
	flag.Parse()
	const parallel = "test.parallel"
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == parallel })
	if stranger, err := subject.FromEnvironment(); said || stranger != nil || err != nil { // of the error every scenario hears
		return
	}
	cpus := runtime.GOMAXPROCS(0)
	if err := flag.Set(parallel, strconv.Itoa(cpus+cpus/2)); err != nil {
		panic(err) // package testing has no such flag any more
	}
}
