package trace

import (
	"encoding/json"
	"fmt"
	"os"

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
	text, err := json.MarshalIndent(j, "", "\t")
	if err != nil {
		return fmt.Errorf("encode job: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// FromEnvironment returns the job that this process is to do, or nil where it has none.
func FromEnvironment() (*Job, error) {
	file := os.Getenv(Variable)
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", Variable, err)
	}
	var j Job
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if err := j.Module.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &j, nil
}
