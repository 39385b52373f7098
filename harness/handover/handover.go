// Package handover hands a task to a process that is started for it, and an answer back: as JSON in a file, which a variable of the
// process's environment names.
//
// Its contract: a task that is named and cannot be read is an error with the variable and the file in it, and never no task.
package handover

import (
	"encoding/json"
	"fmt"
	"os"
)

// Write writes a task, or an answer, into a file.
func Write(file string, task any) error {
	text, err := json.MarshalIndent(task, "", "\t")
	if err != nil {
		return fmt.Errorf("encode %T: %w", task, err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// Read reads what [Write] wrote.
func Read(file string, task any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %T: %w", task, err)
	}
	if err := json.Unmarshal(text, task); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return nil
}

// FromEnvironment reads the task that a variable names, and checks it. It returns false where there is none.
func FromEnvironment[T interface{ Validate() error }](variable string, task T) (bool, error) {
	file := os.Getenv(variable)
	if file == "" {
		return false, nil
	}
	if err := Read(file, task); err != nil {
		return false, fmt.Errorf("%s: %w", variable, err)
	}
	if err := task.Validate(); err != nil {
		return false, fmt.Errorf("%s %s: %w", variable, file, err)
	}
	return true, nil
}
