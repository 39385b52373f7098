package report

import (
	"encoding/json"
	"time"

	"ktcp/harness/finding"
)

// document is findings.json.
type document struct {
	Run       string            `json:"run"`
	Started   time.Time         `json:"started"`
	Command   string            `json:"command,omitempty"`
	Host      string            `json:"host,omitempty"`
	Verdict   Verdict           `json:"verdict"` // "ERROR" as long as a scenario is not finished
	ExitCode  int               `json:"exit_code"`
	Errors    []string          `json:"errors,omitempty"`
	Notes     []string          `json:"notes,omitempty"`
	Scenarios []Scenario        `json:"scenarios"`
	Findings  []finding.Finding `json:"findings"`
}

// JSON renders the run for programs: run, started, command, host, verdict, exit_code, errors, notes, scenarios without
// their findings, and findings, each with the name of its scenario. Both lists are present when empty. It is the content
// of findings.json.
func JSON(run *Run) []byte {
	d := document{
		Run: run.ID, Started: run.Started, Command: run.Command, Host: run.Host,
		Verdict: run.Verdict(), ExitCode: run.ExitCode(), Errors: run.Errors, Notes: run.Notes,
		Scenarios: []Scenario{}, Findings: []finding.Finding{},
	}
	for _, s := range run.Scenarios {
		d.Findings = append(d.Findings, s.Findings...)
		s.Findings = nil
		d.Scenarios = append(d.Scenarios, s)
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic("findings.json: " + err.Error()) // every type in it can be encoded
	}
	return append(data, '\n')
}
