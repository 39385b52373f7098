package report

import (
	"time"

	"ktcp/harness/finding"
)

// Run is everything that is known about one run. It is what the renderers render.
type Run struct {
	ID      string    `json:"id"`                // the name of its directory
	Dir     string    `json:"-"`                 // absolute path of its directory
	Root    string    `json:"root,omitempty"`    // absolute path of the project, for paths below it
	Started time.Time `json:"started"`           // wall time
	Command string    `json:"command,omitempty"` // what the user typed, for a second go
	Host    string    `json:"host,omitempty"`    // what it ran on, "2 CPUs, QEMU 7.2.0"
	// Notes are said once for the whole run: "guests are booted, not cloned: ...".
	Notes []string `json:"notes,omitempty"`
	// Errors say why the run as a whole cannot be relied on.
	Errors    []string   `json:"errors,omitempty"`
	Scenarios []Scenario `json:"-"` // in order of their start
}

// Scenario is the record of one scenario.
type Scenario struct {
	Name     string        `json:"name"` // as go test names it: "TestNetnsBadValues/port=0"
	Verdict  Verdict       `json:"verdict"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"` // wall time
	PID      int           `json:"pid"`         // of the process that runs it
	// Again are the variables with which it does the same again where chance has a part in it: "SEED=7". They are there as soon
	// as it has chosen, so that one that is killed has them, too.
	Again []string `json:"again,omitempty"`
	Result
	// Evidence lists the files beside the record, relative to the run's directory. [Load] fills it in.
	Evidence []string `json:"evidence,omitempty"`
}

// Result is what a scenario hands over when it ends.
type Result struct {
	// Failed tells that the scenario's own expectations were not met (testing.TB's Failed).
	Failed bool `json:"failed,omitempty"`
	// Canaries is how many bugs it showed the detectors that they must see: where they did not, the whole run proves nothing.
	// 0 is a scenario of any other kind.
	Canaries int `json:"canaries,omitempty"`
	// Skipped is the reason why it did not run, or empty.
	Skipped string `json:"skipped,omitempty"`
	// Story is what clients did, and when modules were loaded and unloaded: "insmod khttpd; connect; rmmod khttpd".
	Story string `json:"story,omitempty"`
	// NotOffered lists what the module does not claim to have and so was not held to. A scenario that did not run because of it
	// has the verdict [NotOffered].
	NotOffered []string `json:"not_offered,omitempty"`
	// Passed is the pass for whose sake it did not run: its verdict is [Unchanged].
	Passed *Passed `json:"passed,omitempty"`
	// Error says why it could not be judged, or is empty. It makes the verdict [Error].
	Error string `json:"error,omitempty"`
	// Messages are the scenario's own complaints, one each.
	Messages []string          `json:"messages,omitempty"`
	Guests   []Guest           `json:"guests,omitempty"`
	Modules  []Module          `json:"modules,omitempty"`
	Findings []finding.Finding `json:"findings,omitempty"`
}

// Passed is an earlier pass of a scenario of which nothing has changed since.
type Passed struct {
	When   time.Time `json:"when"`
	Run    string    `json:"run"`    // the directory of that run, which may be gone
	Flavor string    `json:"flavor"` // of the kernel
}

// Guest describes a guest that a scenario used.
type Guest struct {
	Name        string `json:"name,omitempty"`
	Kernel      string `json:"kernel"`      // uname -r
	Flavor      string `json:"flavor"`      // stock, kasan, kcsan
	Accelerator string `json:"accelerator"` // kvm or tcg
	Clock       string `json:"clock"`       // realtime or instructions
	Start       string `json:"start"`       // clone or boot
	CPUs        int    `json:"cpus,omitempty"`
}

// Module describes a module that a scenario loaded.
type Module struct {
	Name   string `json:"name"`
	Source string `json:"source,omitempty"` // its directory
	ID     string `json:"id,omitempty"`     // digest of its build
	Params string `json:"params,omitempty"`
}
