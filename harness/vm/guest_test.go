package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ktcp/guest/wire"
)

func TestClonesHaveTheirOwnTimeAndRandomness(t *testing.T) {
	s := stock(t)
	seen := map[string]bool{}
	for range 2 {
		g := clone(t, s)
		if !g.Timing().Cloned {
			t.Fatal("booted from cold")
		}
		id := read(t, g, "/proc/sys/kernel/random/uuid")
		if seen[id] {
			t.Errorf("two clones drew the same random number %s", id)
		}
		seen[id] = true
		if lag := time.Since(clock(t, g)).Abs(); lag > 5*time.Second {
			t.Errorf("the clone's clock is off by %v", lag)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

// clock returns the guest's time, to the second.
func clock(t *testing.T, g *Guest) time.Time {
	t.Helper()
	_, line, _ := strings.Cut(read(t, g, "/proc/stat"), "btime ")
	var boot int64
	if _, err := fmt.Sscan(line, &boot); err != nil {
		t.Fatalf("read the guest's boot time: %v", err)
	}
	var uptime float64
	if _, err := fmt.Sscan(read(t, g, "/proc/uptime"), &uptime); err != nil {
		t.Fatalf("read the guest's uptime: %v", err)
	}
	return time.Unix(boot, 0).Add(time.Duration(uptime * float64(time.Second)))
}

// TestHowAGuestEnds ends guests in each way there is and looks at what the error says.
func TestHowAGuestEnds(t *testing.T) {
	s := stock(t)
	for _, test := range []struct {
		name  string
		end   func(t *testing.T, g *Guest) error
		cause Cause
		says  string // part of the error
	}{
		{"panic", func(t *testing.T, g *Guest) error {
			_, err := Call(t.Context(), g, wire.Sysrq, wire.SysrqRequest{Key: "c"})
			return err
		}, Panicked, "Kernel panic - not syncing: sysrq triggered crash"},
		{"power off", func(t *testing.T, g *Guest) error {
			_, err := Call(t.Context(), g, wire.Sysrq, wire.SysrqRequest{Key: "o"})
			<-g.Done() // the answer may have come before
			return errors.Join(err, g.Err())
		}, PoweredOff, "Power down"},
		{"kill -9", func(t *testing.T, g *Guest) error {
			if err := g.process.vm.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_, err := Call(t.Context(), g, wire.Modules, wire.None{})
			return err
		}, Killed, "signal: killed"},
		{"kill", func(t *testing.T, g *Guest) error {
			if err := g.process.vm.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-g.Done()
			_, err := Call(t.Context(), g, wire.Modules, wire.None{})
			return err
		}, Killed, "host-signal"},
		{"close", func(t *testing.T, g *Guest) error {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			_, err := Call(t.Context(), g, wire.Modules, wire.None{})
			return err
		}, Closed, "was closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := s
			s.Console = filepath.Join(t.TempDir(), "console")
			g := clone(t, s)
			err := test.end(t, g)
			var dead *DeadError
			if !errors.As(err, &dead) || dead.Cause != test.cause {
				t.Fatalf("error %v (%T), want a DeadError: %s", err, err, test.cause)
			}
			if errors.Is(err, ErrClosed) != (test.cause == Closed) {
				t.Errorf("%v: wrong answer to ErrClosed", err)
			}
			if !errors.As(g.Err(), &dead) {
				t.Errorf("Err: %v, want the death", g.Err())
			}
			file, readErr := os.ReadFile(s.Console)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if !bytes.Equal(file, g.Console()) {
				t.Errorf("the file has %d bytes of the console's %d", len(file), len(g.Console()))
			}
			if !strings.Contains(dead.Error(), test.says) {
				t.Errorf("error %q lacks %q", dead, test.says)
			}
			evidence, evidenceErr := g.Evidence(t.Context())
			if evidenceErr != nil {
				t.Errorf("evidence: %v", evidenceErr)
			}
			if len(evidence[EvidenceEnd]) == 0 || !bytes.Equal(evidence[EvidenceConsole], g.Console()) {
				t.Errorf("evidence lacks the end: %q", evidence[EvidenceEnd])
			}
		})
	}
}

// TestHangLeavesEvidence stops a guest's processors, sees its silence, and lets it go on.
func TestHangLeavesEvidence(t *testing.T) {
	s := stock(t)
	g := clone(t, s)
	m := g.process.monitor
	if err := m.within(t.Context()).Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Call(ctx, g, wire.Modules, wire.None{}); !errors.Is(err, ErrSilent) {
		t.Fatalf("request to a stopped guest: %v, want silence", err)
	}
	evidence, err := g.Evidence(t.Context())
	if err == nil || !strings.Contains(err.Error(), "SysRq") {
		t.Errorf("evidence: error %v, want one that tells of SysRq without an answer", err)
	}
	for name, want := range map[string]string{
		EvidenceStatus:    `"paused"`,
		EvidenceRegisters: "CPU#1",
		EvidenceEvents:    "STOP",
		EvidenceBoot:      "Linux version",
	} {
		if !strings.Contains(string(evidence[name]), want) {
			t.Errorf("%s lacks %q:\n%s", name, want, evidence[name])
		}
	}
	if err := m.within(t.Context()).Cont(); err != nil {
		t.Fatal(err)
	}
	// The answer to the first request comes now and is nobody's.
	if _, err := Call(t.Context(), g, wire.Modules, wire.None{}); err != nil {
		t.Errorf("request after the guest went on: %v", err)
	}
	if !errors.Is(g.Err(), ErrSilent) {
		t.Errorf("Err: %v, want it to remember the silence", g.Err())
	}
}

// TestEvidenceOfARunningGuest asks the kernel itself, over the serial console.
func TestEvidenceOfARunningGuest(t *testing.T) {
	g := clone(t, stock(t))
	evidence, err := g.Evidence(t.Context())
	if err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		EvidenceStatus:    `"running"`,
		EvidenceRegisters: "RIP=",
		EvidenceSysRq:     "Show State",
	} {
		if !strings.Contains(string(evidence[name]), want) {
			t.Errorf("%s lacks %q:\n%s", name, want, evidence[name])
		}
	}
	for _, want := range []string{"Show Blocked State", "kthreadd", "Call Trace"} {
		if !bytes.Contains(evidence[EvidenceSysRq], []byte(want)) {
			t.Errorf("%s lacks %q", EvidenceSysRq, want)
		}
	}
	if _, err := Call(t.Context(), g, wire.Modules, wire.None{}); err != nil {
		t.Errorf("the guest did not survive: %v", err)
	}
}

// TestGuestsErrno asks for something that fails in the guest.
func TestGuestsErrno(t *testing.T) {
	g := clone(t, stock(t))
	_, err := Call(t.Context(), g, wire.ReadFile, wire.FileRequest{Path: "/no/such/file"})
	var failed *wire.Error
	if !errors.As(err, &failed) || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("error %v (%T), want a wire.Error that is ENOENT", err, err)
	}
	if g.Err() != nil {
		t.Errorf("the guest is blamed for it: %v", g.Err())
	}
}
