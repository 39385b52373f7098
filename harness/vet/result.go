package vet

import (
	"encoding/json"
	"slices"
	"time"

	"ktcp/harness/finding"
	"ktcp/harness/report"
	"ktcp/harness/subject"
)

// Result is what came of one command.
type Result struct {
	// Invalid says why none of the verdicts can be relied on, or is empty.
	Invalid  string    `json:"invalid,omitempty"`
	Started  time.Time `json:"started"`
	Command  string    `json:"command,omitempty"`
	Guest    string    `json:"guest,omitempty"` // what the scenarios ran on
	Flavors  []string  `json:"flavors"`         // of the kernel, on each of which every module was judged
	Canaries *Canaries `json:"canaries"`        // null where they were not shown
	ExitCode int       `json:"exit_code"`
	Notes    []string  `json:"notes,omitempty"`
	Modules  []Module  `json:"modules"`
}

// Canaries is what came of showing the detectors bugs that they must see.
type Canaries struct {
	Seen   map[string]int `json:"seen"`             // how many, by flavor
	Missed string         `json:"missed,omitempty"` // the first that was not, and on which flavor
}

// Module is what came of one directory.
type Module struct {
	Dir        string         `json:"dir"` // as the user named it
	Name       string         `json:"name,omitempty"`
	Role       subject.Role   `json:"role,omitempty"`
	Why        string         `json:"why,omitempty"` // it was judged as that role
	Verdict    report.Verdict `json:"verdict"`
	Error      string         `json:"error,omitempty"`  // why it could not be judged
	Detail     string         `json:"detail,omitempty"` // a compiler's output, a kernel's words
	Warnings   []string       `json:"warnings,omitempty"`
	Checks     []Check        `json:"checks"`
	Flaws      []Flaw         `json:"flaws"`
	NotOffered []string       `json:"not_offered,omitempty"`
	Evidence   string         `json:"evidence,omitempty"` // the directory of its run
	Elapsed    time.Duration  `json:"elapsed_ns"`
}

// Check is a scenario that the module was held to, on one flavor.
type Check struct {
	Scenario   string         `json:"scenario"`
	Flavor     string         `json:"flavor"`
	About      string         `json:"about"`
	Verdict    report.Verdict `json:"verdict"`
	Error      string         `json:"error,omitempty"`
	NotOffered []string       `json:"not_offered,omitempty"`
	Skipped    string         `json:"skipped,omitempty"` // why it did not run on this flavor
	Elapsed    time.Duration  `json:"elapsed_ns"`
}

// Flaw is something wrong with the module, however many scenarios met it.
type Flaw struct {
	// Finding is what an oracle saw; nil where a scenario's own expectation was not met.
	Finding   *finding.Finding `json:"finding,omitempty"`
	Messages  []string         `json:"messages,omitempty"` // of the scenario
	Flavors   []string         `json:"flavors"`            // on which it was seen
	Scenarios []string         `json:"scenarios"`          // that met it; what follows is about the first
	About     string           `json:"about"`              // what the scenario is about
	Story     string           `json:"story,omitempty"`    // what clients did
	Reproduce string           `json:"reproduce"`          // the command that does it again
}

// exitCode returns the exit code that a module deserves.
func (m Module) exitCode() int {
	switch m.Verdict {
	case report.Pass:
		return report.ExitClean
	case report.Fail:
		return report.ExitFindings
	}
	return report.ExitInvalid
}

// encode returns the result as JSON.
func (r Result) encode() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}

// weights order flaws by how much they hurt: what takes the machine down, then what never ends, what is lost, what is wrong.
var weights = [][]finding.Kind{
	{finding.Panic, finding.PageFault, finding.Oops, finding.Bug, finding.KASAN, finding.GuestDied, finding.SlabCorruption},
	{finding.GuestSilent, finding.HungTask, finding.SoftLockup, finding.HardLockup, finding.RCUStall, finding.WorkqueueStall},
	{finding.NotUnloaded, finding.Starvation},
	{finding.Leak, finding.Kmemleak, finding.SlabLeft},
	{finding.Growth},
	{finding.WireFault},
}

func weight(f Flaw) int {
	if f.Finding == nil {
		return len(weights) + 1
	}
	if i := slices.IndexFunc(weights, func(kinds []finding.Kind) bool { return slices.Contains(kinds, f.Finding.Kind) }); i >= 0 {
		return i
	}
	return len(weights)
}
