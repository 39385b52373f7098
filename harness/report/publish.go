package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Publish shows the run where this process runs: as text on w, coloured when that is a terminal, and under GitHub Actions as
// annotations and step summary too. Root is the repository's directory, which annotations need to name files.
func Publish(run *Run, w io.Writer, root string) error {
	text := Text(run, optionsFor(w))
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		// Before the table, whose verdict is then the last that is read.
		text = GitHub(run, SourceBelow(root)) + text
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("print the verdict: %w", err)
	}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		if err := appendFile(path, Markdown(run)); err != nil {
			return fmt.Errorf("write the step summary: %w", err)
		}
	}
	return nil
}

// sourceDirs are the directories below the repository's root that the compiler's paths can be relative to.
var sourceDirs = []string{"", "module"}

// SourceBelow returns a function that maps a finding's file to its path below root, or to "" when there is none.
func SourceBelow(root string) func(file string) string {
	return func(file string) string {
		if filepath.IsAbs(file) {
			rel, err := filepath.Rel(root, file)
			if err != nil || !filepath.IsLocal(rel) {
				return ""
			}
			return filepath.ToSlash(rel)
		}
		for _, dir := range sourceDirs {
			rel := filepath.Join(dir, file)
			if _, err := os.Stat(filepath.Join(root, rel)); err == nil && filepath.IsLocal(rel) {
				return filepath.ToSlash(rel)
			}
		}
		return ""
	}
}

// appendFile appends text to a file that others append to as well.
func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
