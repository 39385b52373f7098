package trace

import (
	"ktcp/harness/handover"
	"ktcp/harness/subject"
)

// Variable is the variable that names the file with the [Job] that a process is to do.
const Variable = "KTCP_TRACE"

// Job says whom to look at, and where the files go.
type Job struct {
	Module subject.Stranger `json:"module"`
	Load   string           `json:"load,omitempty"`  // the only one to look at, "" for all
	Depth  int              `json:"depth,omitempty"` // of calls for one request; 0: all
	Dir    string           `json:"dir"`
}

// Write writes j where [FromEnvironment] finds it.
func (j Job) Write(file string) error {
	return handover.Write(file, j)
}

// Validate reports what is missing or malformed in j.
func (j *Job) Validate() error { return j.Module.Validate() }

// FromEnvironment returns the job that this process is to do, or nil where it has none.
func FromEnvironment() (*Job, error) {
	var j Job
	if found, err := handover.FromEnvironment(Variable, &j); !found {
		return nil, err
	}
	return &j, nil
}
