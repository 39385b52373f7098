package report

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// The files of a run.
const (
	runFile      = "run.json"
	findingsFile = "findings.json"
	summaryFile  = "verdict.txt"
	scenarioDir  = "scenarios"
	recordFile   = "record.json"
	lockFile     = ".lock"
)

// writeJSON replaces path with v as JSON, or leaves it as it was.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}

// writeFile replaces path with data in one rename, so that a reader finds the old content or the new.
func writeFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	// A full disk may show only when the file is closed.
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
