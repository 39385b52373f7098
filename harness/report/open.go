package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// RunVariable is the variable that makes a process join the run in that directory instead of starting its own.
const RunVariable = "KTCP_RUN"

// OwnerVariable holds the PID of the process whose run it is, for processes that are not its children: they end when it does, whatever
// ended it.
const OwnerVariable = "KTCP_OWNER"

// ResultsVariable is the variable that moves all results elsewhere.
const ResultsVariable = "KTCP_RESULTS"

// Config says where results go. The zero value of each field means its default.
type Config struct {
	Root    string // project root; default: the working directory
	Results string // default: $KTCP_RESULTS, otherwise results below Root
	Join    string // directory of a run to join; default: $KTCP_RUN; when empty, a new run is started
	Command string // what the user typed
	Host    string // what it runs on
}

// results is the directory that holds the runs.
func (c Config) results() string {
	if c.Results != "" {
		return c.Results
	}
	if set := os.Getenv(ResultsVariable); set != "" {
		return set
	}
	return filepath.Join(c.Root, "results")
}

// Latest is the directory of the last run that was started where the configuration says, to be given to [Load].
func (c Config) Latest() string { return filepath.Join(c.results(), latest) }

// latest is the link to the last run.
const latest = "latest"

// Recorder writes the results of one process into its run. It is safe for concurrent use, also by other processes in
// the same run.
type Recorder struct {
	dir   string
	owner bool

	mu  sync.Mutex
	run Run // guarded by mu; without scenarios
}

// Open starts a run, or joins one, and proves that its directory can be written to. The error of a place that
// cannot be used wraps [ErrUnusable] and says what to do.
func Open(c Config) (*Recorder, error) {
	if c.Join == "" {
		c.Join = os.Getenv(RunVariable)
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("open results: %w", err)
	}
	r := &Recorder{run: Run{Root: root, Started: time.Now().Truncate(time.Millisecond), Command: c.Command, Host: c.Host}}
	if c.Join != "" {
		err = r.join(c.Join)
	} else {
		err = r.start(c.results())
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// join enters an existing run, or makes the directory that it was told to use.
func (r *Recorder) join(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return placeError("join run", dir, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, scenarioDir), 0o755); err != nil {
		return placeError("join run", dir, err)
	}
	r.dir, r.run.ID, r.run.Dir = dir, filepath.Base(dir), dir
	return r.update(func(*Run) {})
}

// start makes the directory of a new run and lets latest point to it.
func (r *Recorder) start(results string) error {
	results, err := filepath.Abs(results)
	if err != nil {
		return placeError("start run", results, err)
	}
	runs := filepath.Join(results, "runs")
	if err := os.MkdirAll(runs, 0o755); err != nil {
		return placeError("start run", results, err)
	}
	stamp := r.run.Started.Format("2006-01-02T15-04-05")
	r.run.ID = stamp
	for n := 2; ; n++ {
		r.dir = filepath.Join(runs, r.run.ID)
		err := os.Mkdir(r.dir, 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return placeError("start run", results, err)
		}
		r.run.ID = fmt.Sprintf("%s-%d", stamp, n)
	}
	r.owner, r.run.Dir = true, r.dir
	if err := os.Mkdir(filepath.Join(r.dir, scenarioDir), 0o755); err != nil {
		return placeError("start run", results, err)
	}
	if err := r.update(func(*Run) {}); err != nil {
		return err
	}
	return placeError("start run", results, linkLatest(results, r.run.ID))
}

// linkLatest lets results/latest point to a run, in one rename.
func linkLatest(results, id string) error {
	tmp := filepath.Join(results, ".latest-"+id)
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Join("runs", id), tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(results, latest)); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// Dir returns the absolute path of the run's directory.
func (r *Recorder) Dir() string { return r.dir }

// Owner reports whether this process started the run, and so is the one to show its verdict.
func (r *Recorder) Owner() bool { return r.owner }

// Env returns the entry for the environment of a process that is to join this run.
func (r *Recorder) Env() string { return RunVariable + "=" + r.dir }

// Note records something to be said once for the whole run; a repeated note is kept once.
func (r *Recorder) Note(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return r.update(func(run *Run) { run.Notes = addOnce(run.Notes, text) })
}

// Fail records that the run as a whole cannot be relied on: it ends with [ExitInvalid] whatever its scenarios say.
func (r *Recorder) Fail(err error) error {
	return r.update(func(run *Run) { run.Errors = addOnce(run.Errors, err.Error()) })
}

// addOnce appends text to list unless it is there.
func addOnce(list []string, text string) []string {
	for _, have := range list {
		if have == text {
			return list
		}
	}
	return append(list, text)
}
