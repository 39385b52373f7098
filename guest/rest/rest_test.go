package rest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestAwait(t *testing.T) {
	const line = "cpu  1 2 3 4 5 6 7 0 0 0\ncpu0 10 0 %d %d 0 0 0 0 0 0\ncpu1 0 0 %d %d 0 0 0 0 0 0\nintr 5\n"
	spinner := []wire.Thread{{PID: 9, Comm: "spinner", State: "R"}}
	for _, tt := range []struct {
		name string
		// steps are the ticks that each processor has spent in the kernel and idle, after each tenth of a second.
		steps [][4]int
		want  wire.IdleAnswer
	}{
		{"at rest", [][4]int{{0, 0, 0, 0}, {5, 5, 0, 10}}, wire.IdleAnswer{Running: 0.5}},
		{"after a while", [][4]int{{0, 0, 0, 0}, {10, 0, 0, 10}, {15, 5, 0, 20}}, wire.IdleAnswer{Running: 0.5}},
		{"one spins and wanders", [][4]int{{0, 0, 0, 0}, {10, 0, 0, 10}, {10, 10, 10, 10}, {20, 10, 10, 20}, {20, 20, 20, 20}},
			wire.IdleAnswer{Busy: true, Running: 1, Threads: spinner}},
		{"one spins, and the host lets it run only now and then", [][4]int{{0, 0, 0, 0}, {2, 0, 0, 10}, {4, 0, 0, 20}, {5, 0, 0, 30}, {8, 0, 0, 40}},
			wire.IdleAnswer{Busy: true, Running: 1, Threads: spinner}},
		{"one spins", [][4]int{{0, 0, 0, 0}, {10, 0, 0, 10}, {20, 0, 0, 20}, {30, 0, 0, 30}, {40, 0, 0, 40}},
			wire.IdleAnswer{Busy: true, Running: 1, Threads: spinner}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "stat")
			step := 0
			put := func(time.Duration) {
				s := tt.steps[min(step, len(tt.steps)-1)]
				step++
				if err := os.WriteFile(file, fmt.Appendf(nil, line, s[0], s[1], s[2], s[3]), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			put(0)
			now := time.Now()
			p := &Proc{stat: file, now: func() time.Time { return now }, sleep: func(d time.Duration) { now = now.Add(100 * time.Millisecond); put(d) }, running: func() ([]wire.Thread, error) { return spinner, nil }}
			got, err := p.Await(wire.IdleRequest{})
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{"", "cpu 1 2 3 4 5 6 7\n", "cpu0 1 2 3 x 5 6 7\n"} {
		if _, err := parse(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, want %v", bad, err, ErrFormat)
		}
	}
}
