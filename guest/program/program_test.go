package program

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

func TestMain(m *testing.M) {
	go Reap()
	os.Exit(m.Run())
}

type oneSpace struct{}

func (oneSpace) Do(_ string, f func() error) error { return f() }

// shell is a request that runs a script.
func shell(script string) wire.ProgramRequest {
	return wire.ProgramRequest{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Deadline: 20 * time.Second}
}

func TestRun(t *testing.T) {
	gone := wire.ProgramAnswer{Exit: -1, Signal: int(unix.SIGKILL)}
	late := gone
	late.TimedOut = true
	for _, tt := range []struct {
		name   string
		change func(*wire.ProgramRequest)
		script string
		want   wire.ProgramAnswer
	}{
		{name: "outputs", script: "echo out; echo err >&2; exit 3", want: wire.ProgramAnswer{Exit: 3, Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
		{name: "stdin", script: "cat", change: func(r *wire.ProgramRequest) { r.Stdin = []byte("in") }, want: wire.ProgramAnswer{Stdout: []byte("in")}},
		{name: "stdin not read", script: "true", change: func(r *wire.ProgramRequest) { r.Stdin = make([]byte, 1<<20) }},
		{name: "environment", script: "echo $A", change: func(r *wire.ProgramRequest) { r.Env = []string{"A=b"} }, want: wire.ProgramAnswer{Stdout: []byte("b\n")}},
		{name: "directory", script: "pwd", change: func(r *wire.ProgramRequest) { r.Dir = "/usr" }, want: wire.ProgramAnswer{Stdout: []byte("/usr\n")}},
		{name: "signal", script: "kill -KILL $$", want: gone},
		{name: "deadline", script: "sleep 60 & wait", change: func(r *wire.ProgramRequest) { r.Deadline = 100 * time.Millisecond }, want: late},
		{name: "left behind", script: "sleep 60 &"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := shell(tt.script)
			if tt.change != nil {
				tt.change(&req)
			}
			began := time.Now()
			got, err := NewTable(oneSpace{}).Run(req)
			if err != nil {
				t.Fatal(err)
			}
			if got.Elapsed <= 0 || time.Since(began) > 10*time.Second {
				t.Errorf("it took %v", got.Elapsed)
			}
			got.Elapsed, got.CPU = 0, 0
			if len(got.Stdout) == 0 {
				got.Stdout = nil
			}
			if len(got.Stderr) == 0 {
				got.Stderr = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMuchOutputIsCut(t *testing.T) {
	got, err := NewTable(oneSpace{}).Run(shell("head -c 20000000 /dev/zero; echo end >&2"))
	if err != nil || len(got.Stdout) != mostStdout || string(got.Stderr) != "end\n" {
		t.Errorf("%d bytes, %q, %v; want %d and end", len(got.Stdout), got.Stderr, err, mostStdout)
	}
}

func TestRunRefusesWhatIsNotThere(t *testing.T) {
	_, err := NewTable(oneSpace{}).Run(wire.ProgramRequest{Path: "/nonexistent"})
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("%v, want ENOENT with the path", err)
	}
}

func TestBackground(t *testing.T) {
	table := NewTable(oneSpace{})
	mark := filepath.Join(t.TempDir(), "mark")
	start := func(script string) uint64 {
		t.Helper()
		a, err := table.Start(shell(script))
		if err != nil {
			t.Fatal(err)
		}
		return a.Program
	}
	polite := start("trap 'echo bye; exit 7' TERM; touch " + mark + "; while :; do sleep 0.01; done")
	for {
		if _, err := os.Stat(mark); err == nil {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("it never ran")
		}
	}
	got, err := table.Stop(wire.ProgramStopRequest{Program: polite, Signal: int(unix.SIGTERM)})
	if err != nil || got.TimedOut || !strings.Contains(string(got.Stdout)+string(got.Stderr), "bye") && got.Signal == 0 {
		t.Errorf("stopped: %+v, %v", got, err)
	}
	stubborn := start("trap '' TERM; sleep 60 & sleep 60")
	got, err = table.Stop(wire.ProgramStopRequest{Program: stubborn, Deadline: 200 * time.Millisecond})
	if err != nil || !got.TimedOut || got.Signal != int(unix.SIGKILL) {
		t.Errorf("stubborn: %+v, %v, want it to be killed", got, err)
	}
	if _, err := table.Stop(wire.ProgramStopRequest{Program: stubborn}); !errors.Is(err, ErrUnknown) {
		t.Errorf("stopped twice: %v", err)
	}
	start("sleep 60")
	if n := table.StopAll(); n != 1 {
		t.Errorf("%d stopped, want 1", n)
	}
}
