package suite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"ktcp/harness/report"
)

// Benchmark is one benchmark of the scenarios that does something for a command.
type Benchmark struct {
	Root  string // the project's directory
	Name  string
	Env   []string         // what tells it what to do
	Run   *report.Recorder // that it joins
	Limit time.Duration    // wall time; what takes this long hangs
	Logf  func(format string, args ...any)
}

// ErrInterrupted is returned when the user has had enough.
var ErrInterrupted = errors.New("interrupted")

// Do compiles the scenarios and runs the benchmark once. An error says in its first line why it did not come to its end.
func (b Benchmark) Do(ctx context.Context) error {
	binary := filepath.Join(b.Run.Dir(), "scenarios.test")
	defer os.Remove(binary)
	if err := Compile(ctx, b.Root, binary); err != nil {
		return err
	}
	var said []string
	err := Process{
		Root: b.Root, Binary: binary,
		Args: []string{"-test.run", "^$", "-test.bench", "^" + b.Name + "$", "-test.benchtime", "1x", "-test.timeout", b.Limit.String()},
		Env:  append([]string{b.Run.Env()}, b.Env...),
		Hear: func(out io.Reader) { said = b.follow(out) },
	}.Run(ctx)
	switch {
	case ctx.Err() != nil:
		return ErrInterrupted
	case err == nil:
		return nil
	}
	if why := reason(b.Run.Dir()); why != "" {
		return errors.New(why)
	}
	for _, line := range said {
		if m := complaint.FindStringSubmatch(line); m != nil {
			return errors.New(m[1])
		}
	}
	return fmt.Errorf("%s did not come to its end: %w\n%s", b.Name, err, strings.Join(said, "\n"))
}

// complaint matches what a benchmark itself complains about, as go test prints it.
var complaint = regexp.MustCompile(`^\s+\w+_test\.go:\d+: (.+)$`)

// follow shows what the harness says about its progress, and returns the last of all else.
func (b Benchmark) follow(out io.Reader) (said []string) {
	const last = 20
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "ktcp: "); ok {
			b.Logf("%s", text)
			continue
		}
		if said = append(said, line); len(said) > last {
			said = said[1:]
		}
	}
	return said
}

// reason returns in one line why a scenario could not be judged or what it complained about first, "" where the records do not say.
func reason(dir string) string {
	run, err := report.Load(dir)
	if err != nil {
		return ""
	}
	for _, s := range run.Scenarios {
		if s.Error != "" {
			return strings.Join(strings.Fields(s.Error), " ")
		}
		if len(s.Messages) > 0 {
			return strings.Join(strings.Fields(s.Messages[0]), " ")
		}
	}
	return ""
}
