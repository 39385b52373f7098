package report

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Format names a form in which a run can be shown.
type Format string

// The formats.
const (
	FormatText     Format = "text"     // the verdict table and the findings
	FormatJSON     Format = "json"     // as in findings.json
	FormatKTAP     Format = "ktap"     // the kernel's own test format
	FormatGitHub   Format = "github"   // workflow commands: annotations at lines of source
	FormatMarkdown Format = "markdown" // a step summary
)

// Formats lists all formats.
var Formats = []Format{FormatText, FormatJSON, FormatKTAP, FormatGitHub, FormatMarkdown}

// Write writes the run in the given format. Text is coloured when w is a terminal. The error of an unknown format wraps
// [ErrFormat].
func Write(w io.Writer, run *Run, format Format) error {
	var text string
	switch format {
	case FormatText:
		text = Text(run, optionsFor(w))
	case FormatJSON:
		text = string(JSON(run))
	case FormatKTAP:
		text = KTAP(run)
	case FormatGitHub:
		text = GitHub(run, SourceBelow(run.Root))
	case FormatMarkdown:
		text = Markdown(run)
	default:
		return fmt.Errorf("%w %q: want one of %s", ErrFormat, format, formatNames())
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("print the run: %w", err)
	}
	return nil
}

// optionsFor returns the options that suit a writer.
func optionsFor(w io.Writer) TextOptions {
	if f, ok := w.(*os.File); ok {
		return Terminal(f)
	}
	return TextOptions{}
}

func formatNames() string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}
