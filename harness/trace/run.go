package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ktcp/harness/foreign"
	"ktcp/harness/report"
	"ktcp/harness/subject"
	"ktcp/harness/suite"
)

// benchmark is the scenario that looks.
const benchmark = "BenchmarkTrace"

// limit bounds everything in wall time. It takes a minute or two; what takes this long hangs.
const limit = 30 * time.Minute

// Spec says who is looked at, as what, and where the words go.
type Spec struct {
	Root     string // the project's directory
	Dirs     []string
	As       subject.Role // "" is told by the module itself
	Module   string       // which one, where the directory makes several
	Params   []string     // for insmod, as "port=80"
	Port     int          // where it listens; 0 is its role's port, or wherever it is found to listen
	Load     string       // "" for all
	Depth    int          // of the calls of one request; 0: all
	Command  string       // what the user typed
	Out      io.Writer
	Progress io.Writer // lines about what takes time
}

// mostDepth is the deepest that the kernel notes.
const mostDepth = 50

// Validate reports what is missing or malformed in s.
func (s Spec) Validate() error {
	if len(s.Dirs) != 1 {
		return fmt.Errorf("trace: name the directory of one module, as module/khttpd: %d were given", len(s.Dirs))
	}
	if s.Depth < 0 || s.Depth > mostDepth {
		return fmt.Errorf("trace: a depth of %d: want 1 to %d, or 0 for all", s.Depth, mostDepth)
	}
	probe := subject.Stranger{Dir: "trace", Role: subject.Echo, Port: s.Port, Params: s.Params}
	return probe.Validate()
}

// Run looks at a module's requests, writes the files into results/trace, says what is in them and returns the exit code. An error
// tells that there is nothing to see.
func Run(ctx context.Context, s Spec) (int, error) {
	if err := s.Validate(); err != nil {
		return report.ExitInvalid, err
	}
	found, err := foreign.All(ctx, s.Dirs, foreign.Spec{Module: s.Module, As: s.As, Params: s.Params, Port: s.Port}, report.Progress(s.Progress))
	if err != nil {
		return report.ExitInvalid, fmt.Errorf("trace: %w", err)
	}
	run, err := report.Open(report.Config{Root: s.Root, Command: s.Command})
	if err != nil {
		return report.ExitInvalid, err
	}
	job := Job{Module: found[0], Load: s.Load, Depth: s.Depth}
	if job.Dir, err = place(filepath.Dir(filepath.Dir(run.Dir())), found[0].Module); err != nil {
		return report.ExitInvalid, fmt.Errorf("trace: %w", err)
	}
	file := filepath.Join(run.Dir(), "trace.json")
	if err := job.Write(file); err != nil {
		return report.ExitInvalid, err
	}
	err = suite.Benchmark{
		Root: s.Root, Name: benchmark, Env: []string{Variable + "=" + file}, Run: run, Limit: limit, Logf: report.Progress(s.Progress),
	}.Do(ctx)
	if err != nil {
		return report.ExitInvalid, fmt.Errorf("trace: %w", err)
	}
	text, err := describeAll(job.Dir)
	if err != nil {
		return report.ExitInvalid, fmt.Errorf("trace: %w", err)
	}
	_, err = io.WriteString(s.Out, text)
	return report.ExitClean, err
}

// place makes the directory for the files of a module, below the results, and lets latest point to it.
func place(results, module string) (string, error) {
	all := filepath.Join(results, "trace")
	stamp := time.Now().Format("2006-01-02T15-04-05") + "-" + module
	dir := filepath.Join(all, stamp)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	tmp := filepath.Join(all, ".latest-"+stamp)
	if err := os.Symlink(stamp, tmp); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, filepath.Join(all, "latest")); err != nil {
		return "", errors.Join(err, os.Remove(tmp))
	}
	return dir, nil
}

// describeAll tells what is in the files of dir.
func describeAll(dir string) (string, error) {
	var b strings.Builder
	profiles, err := filepath.Glob(filepath.Join(dir, "*"+textExt))
	if err != nil {
		return "", err
	}
	for _, file := range profiles {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		b.Write(text)
		fmt.Fprintf(&b, "  flame graph  %s\n  stacks       %s\n\n",
			report.Shown("", strings.TrimSuffix(file, textExt)+svgExt), report.Shown("", strings.TrimSuffix(file, textExt)+foldedExt))
	}
	fmt.Fprintf(&b, "calls of one request, with lines of source: %s\n", report.Shown("", filepath.Join(dir, GraphFile)))
	return b.String(), nil
}

// most is how many lines and functions are told.
const most = 12

// text tells where a request's instructions went.
func (p *Profile) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s: %.0f instructions a request (%d samples)\n", p.Name, p.About, p.Instructions, p.Samples)
	tell := func(title string, parts []Part, all bool) {
		fmt.Fprintf(&b, "  %s\n", title)
		for i, part := range parts {
			if i == most && !all {
				break
			}
			fmt.Fprintf(&b, "    %7.0f  %5.1f %%  %s\n", part.Instructions, 100*part.Share, part.Name)
		}
	}
	tell("by whose code", p.Parts(), true)
	tell("by the module's line, with all that is called there", p.Lines(), false)
	tell("by function alone", p.Functions(), false)
	return b.String()
}
