package kmemleak

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ktcp/guest/wire"
)

// scanner is a scanner of files that a test writes, in which a scan takes that long.
func scanner(t *testing.T, takes time.Duration) (s *Scanner, slept *time.Duration) {
	t.Helper()
	dir := t.TempDir()
	s = &Scanner{file: filepath.Join(dir, "kmemleak"), timers: filepath.Join(dir, "timer_list")}
	for file, text := range map[string]string{
		s.file: "", s.timers: "Timer List Version: v0.9\nnow at 9109508160 nsecs\n\ncpu: 0\njiffies: 4294894577\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	clock := 9 * time.Second
	s.now = func() (time.Duration, error) { defer func() { clock += takes }(); return clock, nil }
	slept = new(time.Duration)
	s.sleep = func(d time.Duration) { *slept += d }
	return s, slept
}

// Whatever is there when the scan is asked for is old enough when the second begins, be a module unloaded just now or never loaded.
func TestScanWaitsForAge(t *testing.T) {
	for takes, want := range map[time.Duration]time.Duration{time.Second: minAge - time.Second, 10 * time.Second: 0} {
		s, slept := scanner(t, takes)
		answer, err := s.Scan(wire.None{})
		if err != nil || *slept != want {
			t.Errorf("scans of %v: slept %v, %v, want %v", takes, *slept, err, want)
		}
		if want := (wire.KmemleakAnswer{Text: "scan", Scan: takes, Jiffies: 4294894577, Now: 9109508160}); answer != want {
			t.Errorf("answer %+v, want %+v", answer, want)
		}
	}
}

func TestScanWithoutAClock(t *testing.T) {
	s, _ := scanner(t, 0)
	if err := os.WriteFile(s.timers, []byte("jiffies: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Scan(wire.None{}); err == nil {
		t.Error("no error although nobody can tell when an object was made")
	}
}

func TestScanAbsent(t *testing.T) {
	s := New()
	s.file = filepath.Join(t.TempDir(), "kmemleak")
	if _, err := s.Scan(wire.None{}); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v, want %v", err, ErrAbsent)
	}
}
