package vm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// onKVM is a prober whose device can be opened, whatever this host has.
func onKVM(t *testing.T, wish Accel) prober {
	t.Helper()
	device := filepath.Join(t.TempDir(), "kvm")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return prober{wish: string(wish), device: device}
}

// TestAccelerator decides for hosts and wishes of every kind, with stubs in QEMU's place: only the last one boots.
func TestAccelerator(t *testing.T) {
	const hangs = "exec sleep 1000"
	const refuses = "echo 'Could not access KVM kernel module' >&2; exit 1"
	// TCG in KVM's clothes, so that a working KVM can be tested where there is none.
	const works = `for a; do shift; case $a in kvm) a=tcg;; host) a=max;; esac; set -- "$@" "$a"; done; exec REAL "$@"`
	missing := prober{device: "/no/such/device"}
	for _, test := range []struct {
		name   string
		prober prober
		clock  Clock
		qemu   string
		accel  Accel
		reason string // part of the reason or of the error
		err    error
	}{
		{"no device", missing, Realtime, "", TCG, "/no/such/device: no such file or directory", nil},
		{"no device but wanted", prober{wish: "kvm", device: missing.device}, Realtime, "", "", "no such file", ErrNoKVM},
		{"opens and hangs", onKVM(t, ""), Realtime, hangs, TCG, "KVM opened, but no guest booted under it within 300ms", nil},
		{"hangs but wanted", onKVM(t, KVM), Realtime, hangs, "", "KTCP_ACCEL=kvm, but KVM opened", ErrNoKVM},
		{"opens and is refused", onKVM(t, ""), Realtime, refuses, TCG, "Could not access KVM kernel module", nil},
		{"not wanted", onKVM(t, TCG), Realtime, hangs, TCG, "KTCP_ACCEL=tcg", nil},
		{"cannot count instructions", onKVM(t, ""), Instructions, hangs, TCG, "counts instructions", nil},
		{"wanted to count instructions", onKVM(t, KVM), Instructions, hangs, "", "counts instructions", ErrNoKVM},
		{"unknown wish", onKVM(t, "hvf"), Realtime, hangs, "", `KTCP_ACCEL is "hvf"`, errUnspecific},
		{"works", onKVM(t, ""), Realtime, works, KVM, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, book := private(t)
			s.Clock, s.QEMU = test.clock, stub(t, test.qemu)
			s.ProbeTimeout = DefaultBootTimeout // neither is a KVM, and both end by themselves
			if test.qemu == hangs {
				s.ProbeTimeout = 300 * time.Millisecond
			}
			// Twice, as two runs: the second must know without trying.
			for range 2 {
				m, err := newMachine(t.Context(), s.withDefaults(), test.prober)
				if test.err != nil {
					if !errors.Is(err, test.err) && test.err != errUnspecific || err == nil || !strings.Contains(err.Error(), test.reason) {
						t.Errorf("error %v, want %v with %q", err, test.err, test.reason)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if m.shape.accel != test.accel || !strings.Contains(m.reason, test.reason) || (m.reason == "") != (test.accel == KVM) {
					t.Errorf("accelerator %s (%s), want %s (%s)", m.shape.accel, m.reason, test.accel, test.reason)
				}
			}
			if test.err == nil && book.count("accelerator: "+string(test.accel)) != 2 {
				t.Errorf("the accelerator was not said:\n%s", book)
			}
			if n := book.count("trying KVM"); n > 1 {
				t.Errorf("KVM was tried %d times, want at most once:\n%s", n, book)
			}
		})
	}
}

// errUnspecific stands for an error of no particular kind.
var errUnspecific = errors.New("any error")

// TestCancelledProbeIsNoVerdict cancels a probe and expects the next run to try again.
// A guest that hangs is waited for once, and not by each kind of guest; one that has come up says nothing of others.
func TestKindsOfGuestsAndKVM(t *testing.T) {
	const hangs, works = "exec sleep 1000", `for a; do shift; case $a in kvm) a=tcg;; host) a=max;; esac; set -- "$@" "$a"; done; exec REAL "$@"`
	for _, test := range []struct {
		name, qemu string
		tried      int
	}{{"hangs", hangs, 1}, {"works", works, 2}} {
		t.Run(test.name, func(t *testing.T) {
			s, book := private(t)
			s.QEMU, s.ProbeTimeout = stub(t, test.qemu), DefaultBootTimeout
			if test.qemu == hangs {
				s.ProbeTimeout = 300 * time.Millisecond
			}
			kvm := onKVM(t, "")
			for _, cpus := range []int{1, 2, 1} {
				s.CPUs = cpus
				if _, err := newMachine(t.Context(), s.withDefaults(), kvm); err != nil {
					t.Fatal(err)
				}
			}
			if n := book.count("trying KVM"); n != test.tried {
				t.Errorf("KVM was tried %d times, want %d:\n%s", n, test.tried, book)
			}
		})
	}
}

func TestCancelledProbeIsNoVerdict(t *testing.T) {
	s, book := private(t)
	s.QEMU, s.ProbeTimeout = stub(t, "exec sleep 1000"), 300*time.Millisecond
	p := onKVM(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Logf = func(format string, args ...any) {
		book.logf(format, args...)
		if strings.Contains(format, "trying KVM") {
			cancel()
		}
	}
	if _, err := newMachine(ctx, s.withDefaults(), p); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled probe: %v", err)
	}
	if _, err := newMachine(t.Context(), s.withDefaults(), p); err != nil {
		t.Error(err)
	}
	if n := book.count("trying KVM"); n != 2 {
		t.Errorf("KVM was tried %d times, want 2:\n%s", n, book)
	}
}

func TestNoQEMU(t *testing.T) {
	s, _ := private(t)
	for name, command := range map[string]string{
		"not on PATH":  "qemu-system-that-is-not-there",
		"not runnable": stub(t, "") + ".missing",
	} {
		s.QEMU = command
		_, err := Clone(t.Context(), s)
		if !errors.Is(err, ErrNoQEMU) || !strings.Contains(err.Error(), "install the package qemu-system-x86") {
			t.Errorf("%s: error %v, want ErrNoQEMU and the package to install", name, err)
		}
	}
	broken := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho cannot load libfoo >&2; exit 127\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.QEMU = broken
	if _, err := Clone(t.Context(), s); !errors.Is(err, ErrNoQEMU) || !strings.Contains(err.Error(), "cannot load libfoo") {
		t.Errorf("broken QEMU: error %v, want ErrNoQEMU and its own words", err)
	}
}
