package kmemleak

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ktcp/guest/wire"
)

func TestScanWaitsForAge(t *testing.T) {
	for _, tt := range []struct {
		name       string
		until, now time.Duration
		slept      time.Duration
	}{
		{"young", 10 * time.Second, 11 * time.Second, minAge - time.Second},
		{"old", 10 * time.Second, 20 * time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "kmemleak")
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			var slept time.Duration
			s := &Scanner{
				file:  file,
				now:   func() (time.Duration, error) { return tt.now, nil },
				sleep: func(d time.Duration) { slept += d },
			}
			answer, err := s.Scan(wire.KmemleakRequest{Until: tt.until})
			if err != nil || slept != tt.slept || answer.Text != "scan" {
				t.Errorf("slept %v, want %v; answer %+v, %v", slept, tt.slept, answer, err)
			}
		})
	}
}

func TestScanAbsent(t *testing.T) {
	s := New()
	s.file = filepath.Join(t.TempDir(), "kmemleak")
	if _, err := s.Scan(wire.KmemleakRequest{}); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v, want %v", err, ErrAbsent)
	}
}
