package harness

import (
	"fmt"
	"sync"
	"testing"
)

// listener is the scenario's testing.TB as the harness uses it: it keeps what the harness complained about, so that the
// record says more than that the test failed.
type listener struct {
	testing.TB

	mu       sync.Mutex
	messages []string
	skipped  string // why the scenario does not apply
}

// heard returns the complaints so far.
func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.messages...)
}

func (l *listener) hear(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages = append(l.messages, message)
}

// Errorf implements testing.TB.
func (l *listener) Errorf(format string, args ...any) {
	l.Helper()
	l.hear(fmt.Sprintf(format, args...))
	l.TB.Errorf(format, args...)
}

// Fatal implements testing.TB.
func (l *listener) Fatal(args ...any) {
	l.Helper()
	l.hear(fmt.Sprint(args...))
	l.TB.Fatal(args...)
}

// Fatalf implements testing.TB.
func (l *listener) Fatalf(format string, args ...any) {
	l.Helper()
	l.hear(fmt.Sprintf(format, args...))
	l.TB.Fatalf(format, args...)
}

// Skipf implements testing.TB.
func (l *listener) Skipf(format string, args ...any) {
	l.Helper()
	l.mu.Lock()
	l.skipped = fmt.Sprintf(format, args...)
	l.mu.Unlock()
	l.TB.Skipf(format, args...)
}

// why returns why the scenario does not apply.
func (l *listener) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skipped == "" {
		return "skipped by the test"
	}
	return l.skipped
}
