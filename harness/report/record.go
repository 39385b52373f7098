package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Entry is the record of a scenario that is under way.
type Entry struct {
	r   *Recorder
	dir string

	mu       sync.Mutex
	scenario Scenario
	finished bool
}

// Begin records that a scenario has begun. Until [Entry.Finish] its record says that it is running, which counts as a
// failure once its process is gone.
func (r *Recorder) Begin(name string) (*Entry, error) {
	dir, err := makeDir(filepath.Join(r.dir, scenarioDir), fileName(name))
	if err != nil {
		return nil, placeError("begin "+name, r.dir, err)
	}
	e := &Entry{r: r, dir: dir, scenario: Scenario{Name: name, Verdict: Running, Started: time.Now(), PID: os.Getpid()}}
	return e, placeError("begin "+name, r.dir, writeJSON(filepath.Join(dir, recordFile), e.scenario))
}

// Dir returns the directory of the scenario's evidence. Every file in it when the scenario ends is listed in
// the record.
func (e *Entry) Dir() string { return e.dir }

// Path returns the path of a file of evidence.
func (e *Entry) Path(name string) string { return filepath.Join(e.dir, fileName(name)) }

// Again records a variable with which the scenario does the same again, as "SEED=7".
func (e *Entry) Again(variable string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return fmt.Errorf("%s does the same again with %s: %w", e.scenario.Name, variable, ErrFinished)
	}
	e.scenario.Again = addOnce(e.scenario.Again, variable)
	return placeError("record "+variable, e.r.dir, writeJSON(filepath.Join(e.dir, recordFile), e.scenario))
}

// Finish records how the scenario ended and returns its verdict. When that cannot be written, the record stays at
// "running" and the error says why; the verdict is then [Error].
func (e *Entry) Finish(result Result) (Verdict, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return Error, fmt.Errorf("finish %s: %w", e.scenario.Name, ErrFinished)
	}
	s := e.scenario
	s.Result = result
	s.Duration = time.Since(s.Started)
	for i := range s.Findings {
		if s.Findings[i].Scenario == "" {
			s.Findings[i].Scenario = s.Name
		}
	}
	s.Verdict = result.verdict()
	if err := writeJSON(filepath.Join(e.dir, recordFile), s); err != nil {
		return Error, placeError("finish "+s.Name, e.r.dir, err)
	}
	e.finished = true
	if len(s.Findings) > 0 {
		if err := e.r.collect(); err != nil {
			return Error, err
		}
	}
	return s.Verdict, nil
}

// verdict decides. Whatever keeps a scenario from being judged outranks what it found.
func (r Result) verdict() Verdict {
	if r.Error != "" {
		return Error
	}
	for _, f := range r.Findings {
		if f.Infrastructure() {
			return Error
		}
	}
	switch {
	case r.Failed, len(r.Findings) > 0:
		return Fail
	case r.Passed != nil:
		return Unchanged
	case r.Skipped != "" && len(r.NotOffered) > 0:
		return NotOffered
	case r.Skipped != "":
		return Skip
	default:
		return Pass
	}
}

// Close writes what belongs to the whole run: findings.json, and in the process that started the run the verdict as
// text. It returns the run as it then is on disk.
func (r *Recorder) Close() (*Run, error) {
	if err := r.collect(); err != nil {
		return nil, err
	}
	run, err := Load(r.dir)
	if err != nil || !r.owner {
		return run, err
	}
	text := Text(run, TextOptions{})
	return run, placeError("write verdict", r.dir, writeFile(filepath.Join(r.dir, summaryFile), []byte(text)))
}

// collect writes findings.json anew from the records.
func (r *Recorder) collect() error {
	return r.locked("collect findings", func() error {
		run, err := Load(r.dir)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(r.dir, findingsFile), JSON(run))
	})
}

// update changes run.json.
func (r *Recorder) update(change func(*Run)) error {
	return r.locked("write run", func() error {
		path := filepath.Join(r.dir, runFile)
		data, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			// Another process of this run may have written to it meanwhile: what is there counts.
			dir := r.run.Dir
			if err := json.Unmarshal(data, &r.run); err != nil {
				return fmt.Errorf("decode %s: %w", path, err)
			}
			r.run.Dir = dir
		}
		change(&r.run)
		return writeJSON(path, r.run)
	})
}

// locked runs do while no other goroutine or process writes the files of the whole run.
func (r *Recorder) locked(op string, do func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	lock := flock.New(filepath.Join(r.dir, lockFile))
	if err := lock.Lock(); err != nil {
		return placeError(op, r.dir, err)
	}
	defer lock.Close()
	return placeError(op, r.dir, do())
}

// makeDir makes a directory of that name, or of that name with a number, that did not exist before.
func makeDir(parent, name string) (string, error) {
	dir := filepath.Join(parent, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o755)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
		dir = filepath.Join(parent, fmt.Sprintf("%s~%d", name, n))
	}
}

// maxName is the longest name of a file that is made from a scenario's name, in bytes.
const maxName = 120

// fileName returns name as it can be used for a file anywhere, also in an archive that is unpacked elsewhere.
func fileName(name string) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("._=-+,", c):
			return c
		default:
			return '_'
		}
	}, name)
	if len(clean) > maxName {
		clean = clean[:maxName]
	}
	if clean == "" || clean == "." || clean == ".." || clean == recordFile {
		clean = "_" + clean
	}
	return clean
}
