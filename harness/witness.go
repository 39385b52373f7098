package harness

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"ktcp/harness/finding"
	"ktcp/harness/report"
)

// Testimony is what came of a scenario that was expected to find something.
type Testimony struct {
	Findings []finding.Finding
	Failures []string // what the scenario itself, or the harness on its behalf, complained about
	Skipped  []string // why the scenario did not apply
	Guests   []GuestKind
}

// GuestKind says what guest it was that something was seen in.
type GuestKind = report.Guest

// String lists everything, for the message of a test that expected something else.
func (t Testimony) String() string {
	var b strings.Builder
	for _, f := range t.Findings {
		b.WriteString(finding.Text(f))
	}
	for _, f := range t.Failures {
		b.WriteString("failure: " + f + "\n")
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

// Flaws tells each finding and failure in a line.
func (t Testimony) Flaws() []string {
	var lines []string
	for _, f := range t.Findings {
		line := string(f.Kind) + ": " + f.Title
		if f.Location != nil {
			line += " at " + f.Location.String()
		}
		lines = append(lines, line)
	}
	for _, f := range t.Failures {
		first, _, _ := strings.Cut(f, "\n")
		lines = append(lines, first)
	}
	return lines
}

// Witness runs a scenario whose module is known to be broken and returns what was found instead of failing tb for it. tb fails
// when the scenario could not be judged: then nothing is proven about the oracles.
func Witness(tb testing.TB, scenario func(tb testing.TB)) Testimony {
	tb.Helper()
	r, err := shared()
	if err != nil {
		tb.Fatal(explain(err))
	}
	return r.witness(tb, scenario, func() report.Result { return report.Result{Failed: tb.Failed()} })
}

// witness runs a scenario for Witness. When the test ends, result makes the record.
func (r *rig) witness(tb testing.TB, scenario func(tb testing.TB), result func() report.Result) Testimony {
	tb.Helper()
	entry, err := r.run.Begin(tb.Name())
	if err != nil {
		tb.Fatalf("begin the record of %s: %v", tb.Name(), err)
	}
	w := &witness{TB: tb, entry: entry}
	tb.Cleanup(func() {
		// After the test has compared: its verdict is whether the bug was found.
		result := result()
		result.Guests = w.guests
		if w.broken != nil {
			result.Error = w.broken.Error()
		}
		if _, err := entry.Finish(result); err != nil {
			tb.Errorf("write the verdict: %v", err)
		}
	})
	done := make(chan struct{})
	go func() { // its own goroutine, because FailNow ends the one that it is called on
		defer close(done)
		defer w.cleanup()
		scenario(w)
	}()
	<-done
	if w.broken != nil {
		tb.Fatalf("the scenario could not be judged: %v\n%v", w.broken, w.testimony)
	}
	return w.testimony
}

// witness is a testing.TB that writes down what it is told.
type witness struct {
	testing.TB
	entry *report.Entry

	mu        sync.Mutex
	testimony Testimony
	cleanups  []func()
	failed    bool
	broken    error
	guests    []report.Guest
}

func (w *witness) testify(findings []finding.Finding, broken error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.testimony.Findings = append(w.testimony.Findings, findings...)
	if w.broken == nil {
		w.broken = broken
	}
}

func (w *witness) cleanup() {
	for {
		w.mu.Lock()
		if len(w.cleanups) == 0 {
			w.mu.Unlock()
			return
		}
		last := w.cleanups[len(w.cleanups)-1]
		w.cleanups = w.cleanups[:len(w.cleanups)-1]
		w.mu.Unlock()
		last()
	}
}

func (w *witness) fail(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = true
	w.testimony.Failures = append(w.testimony.Failures, message)
}

// Cleanup implements testing.TB.
func (w *witness) Cleanup(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cleanups = append(w.cleanups, f)
}

// Failed implements testing.TB.
func (w *witness) Failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Fail implements testing.TB.
func (w *witness) Fail() { w.fail("failed") }

func (w *witness) skip(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.testimony.Skipped = append(w.testimony.Skipped, why)
}

// Skip implements testing.TB.
func (w *witness) Skip(args ...any) { w.skip(fmt.Sprint(args...)); runtime.Goexit() }

// Skipf implements testing.TB.
func (w *witness) Skipf(format string, args ...any) {
	w.skip(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// SkipNow implements testing.TB.
func (w *witness) SkipNow() { w.skip("skipped"); runtime.Goexit() }

// FailNow implements testing.TB.
func (w *witness) FailNow() { w.fail("failed"); runtime.Goexit() }

// Error implements testing.TB.
func (w *witness) Error(args ...any) { w.fail(fmt.Sprint(args...)) }

// Errorf implements testing.TB.
func (w *witness) Errorf(format string, args ...any) { w.fail(fmt.Sprintf(format, args...)) }

// Fatal implements testing.TB.
func (w *witness) Fatal(args ...any) { w.fail(fmt.Sprint(args...)); runtime.Goexit() }

// Fatalf implements testing.TB.
func (w *witness) Fatalf(format string, args ...any) {
	w.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}
