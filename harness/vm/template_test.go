package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
	"ktcp/harness/cache"
)

// TestDamagedTemplate damages a template in every way and expects it to be noticed. No guest runs.
func TestDamagedTemplate(t *testing.T) {
	const size = 1 << 20
	for _, test := range []struct {
		name   string
		damage func(dir string) error
		want   string // part of the error; "" for none
	}{
		{"whole", func(string) error { return nil }, ""},
		{"empty directory", func(dir string) error { return removeFiles(dir, metaFile, stateFile, ramFile, consoleFile) }, metaFile},
		{"not finished", func(dir string) error { return removeFiles(dir, metaFile) }, metaFile},
		{"no state", func(dir string) error { return removeFiles(dir, stateFile) }, stateFile},
		{"no memory", func(dir string) error { return removeFiles(dir, ramFile) }, ramFile},
		{"no console", func(dir string) error { return removeFiles(dir, consoleFile) }, consoleFile},
		{"half a description", func(dir string) error { return os.Truncate(filepath.Join(dir, metaFile), 10) }, metaFile},
		{"half a state", func(dir string) error { return os.Truncate(filepath.Join(dir, stateFile), 3) }, "not what was saved"},
		{"a flipped bit", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, stateFile), []byte("stbte"), 0o644)
		}, "not what was saved"},
		{"half the memory", func(dir string) error { return os.Truncate(filepath.Join(dir, ramFile), size/2) }, "bytes, want"},
		{"memory never written", func(dir string) error {
			return errors.Join(os.Truncate(filepath.Join(dir, ramFile), 0), os.Truncate(filepath.Join(dir, ramFile), size))
		}, "has lost"},
		{"another version", func(dir string) error {
			text, err := json.Marshal(meta{Version: "0"})
			return errors.Join(err, os.WriteFile(filepath.Join(dir, metaFile), text, 0o644))
		}, `version "0"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			ram, err := reserve(filepath.Join(dir, ramFile), size)
			if err != nil {
				t.Fatal(err)
			}
			defer ram.Close()
			if _, err := ram.WriteAt(make([]byte, 64<<10), 128<<10); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(trim(ram), writeTemplate(dir, ram, []byte("state"), []byte("Linux version"))); err != nil {
				t.Fatal(err)
			}
			if err := test.damage(dir); err != nil {
				t.Fatal(err)
			}
			got, err := loadTemplate(dir, size)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if err == nil {
				got.ram.Close()
			}
		})
	}
}

func removeFiles(dir string, names ...string) (err error) {
	for _, name := range names {
		err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
	}
	return err
}

// TestTrimKeepsWhatWasWritten reserves room, writes here and there, and expects the rest to be given back.
func TestTrimKeepsWhatWasWritten(t *testing.T) {
	const size = 8 << 20
	f, err := reserve(filepath.Join(t.TempDir(), "ram"), size)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	written := []int64{0, 1 << 20, size - 4096}
	for _, at := range written {
		if _, err := f.WriteAt([]byte("guest"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Sync(), trim(f)); err != nil {
		t.Fatal(err)
	}
	for _, at := range written {
		got := make([]byte, 5)
		if _, err := f.ReadAt(got, at); err != nil || string(got) != "guest" {
			t.Errorf("at %d: %q, %v", at, got, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if st.Size != size || st.Blocks*512 > size/2 {
		t.Errorf("size %d, want %d; %d bytes allocated, want less than half", st.Size, size, st.Blocks*512)
	}
}

// TestTemplateKey changes one thing at a time: each must lead to another template.
func TestTemplateKey(t *testing.T) {
	s, _ := private(t)
	base := func() *machine {
		spec := s.withDefaults()
		return &machine{spec: spec, emulator: emulator{id: "1", version: "QEMU 7.2"},
			shape: shape{accel: TCG, clock: spec.Clock, cpus: spec.CPUs, memoryMiB: spec.MemoryMiB}}
	}
	seen := map[string]string{base().templateKey(): "the same"}
	if _, ok := seen[base().templateKey()]; !ok {
		t.Error("the same machine has two keys")
	}
	for name, change := range map[string]func(*machine){
		"kernel": func(m *machine) {
			k := *m.spec.Kernel
			k.ID += "x"
			m.spec.Kernel = &k
		},
		"initramfs": func(m *machine) {
			i := *m.spec.Image
			i.ID += "x"
			m.spec.Image = &i
		},
		"emulator":     func(m *machine) { m.emulator.id = "2" },
		"version":      func(m *machine) { m.emulator.version = "QEMU 8.2" },
		"accelerator":  func(m *machine) { m.shape.accel = KVM },
		"clock":        func(m *machine) { m.shape.clock = Instructions },
		"processors":   func(m *machine) { m.shape.cpus = 1 },
		"memory":       func(m *machine) { m.shape.memoryMiB = 1024 },
		"command line": func(m *machine) { m.spec.Append = []string{"slub_debug=U"} },
	} {
		m := base()
		change(m)
		key := m.templateKey()
		if other, ok := seen[key]; ok {
			t.Errorf("another %s has the key of %s", name, other)
		}
		seen[key] = name
	}
}

// TestTemplateIsMadeOnce puts a damaged template into a cache and has several ask for clones at once. It must be said and made
// again by one of them, in place of the damaged one, and serve the next run.
func TestTemplateIsMadeOnce(t *testing.T) {
	s, book := private(t)
	m, err := prepare(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(s.Cache.Root(), templateKind, m.templateKey())
	if err := os.MkdirAll(damaged, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, metaFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			g, err := Clone(t.Context(), s)
			if err != nil {
				t.Error(err)
				return
			}
			if !g.Timing().Cloned {
				t.Error("booted from cold")
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for text, want := range map[string]int{"is damaged": 1, "template: booting": 1, "template: ready": 1, "accelerator: ": 1} {
		if got := book.count(text); got != want {
			t.Errorf("%q was said %d times, want %d:\n%s", text, got, want, book)
		}
	}
	nothingLeft(t, s.Cache)

	next, err := newMachine(t.Context(), s.withDefaults(), prober{wish: string(TCG)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.saved(t.Context()); err != nil {
		t.Error(err)
	}
	if got := book.count("template: booting"); got != 1 {
		t.Errorf("the next run booted again:\n%s", book)
	}
}

// TestCloningThatDoesNotWork gives a machine a state that is none: guests boot from cold, and it is said once.
func TestCloningThatDoesNotWork(t *testing.T) {
	s := stock(t).withDefaults()
	book := &logbook{}
	s.Logf = book.logf
	m, err := newMachine(t.Context(), s, prober{wish: string(TCG)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.saved(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.template = &template{ram: m.template.ram, state: []byte("this is no migration stream")}
	g, err := m.clone(t.Context(), s, time.Now())
	if err != nil {
		detail(t, err)
	}
	if g.Timing().Cloned {
		t.Error("a clone came of it")
	}
	if _, err := Call(t.Context(), g, wire.Modules, wire.None{}); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if again, err := m.cloneable(t.Context()); again != nil || err != nil {
		t.Errorf("the next clone would be tried again: %v", err)
	}
	if book.count("clones do not work here") != 1 || book.count("Not a migration stream") != 1 {
		t.Errorf("it was not said once, with QEMU's reason:\n%s", book)
	}
}

// TestUnusableCache has a cache that cannot take a template.
func TestUnusableCache(t *testing.T) {
	s, _ := private(t)
	if _, err := prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Cache.Root(), templateKind), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Clone(t.Context(), s); !errors.Is(err, cache.ErrUnusable) {
		t.Errorf("error %v, want cache.ErrUnusable", err)
	}
	nothingLeft(t, s.Cache)
}

// TestCancelAtAnyMoment cancels the making of a template, and then clones, at moments spread over the time that they take.
// Nothing may be left, and what is asked for afterwards must come.
func TestCancelAtAnyMoment(t *testing.T) {
	s, _ := private(t)
	s.MemoryMiB = 256
	if _, err := prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	try := func(after time.Duration, s Spec) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		timer := time.AfterFunc(after, cancel)
		defer timer.Stop()
		g, err := Clone(ctx, s)
		switch {
		case err == nil:
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		case !errors.Is(err, context.Canceled):
			t.Errorf("cancelled after %v: %v", after, err)
		}
		nothingLeft(t, s.Cache)
	}
	for _, after := range []time.Duration{0, 1, 5, 20, 100, 400, 1500} {
		try(after*time.Millisecond, s)
	}
	clone(t, s).Close()
	for after := range 12 {
		try(time.Duration(after)*15*time.Millisecond, s)
	}
	clone(t, s)
}

func TestNoGoroutineIsLeft(t *testing.T) {
	s := stock(t)
	clone(t, s).Close() // starts what lives as long as the process
	known := goleak.IgnoreCurrent()
	for range 3 {
		g := clone(t, s)
		if err := g.process.monitor.within(t.Context()).Stop(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, _ = Call(ctx, g, wire.Modules, wire.None{})
		cancel()
		if err := errors.Join(g.Close(), g.Close()); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, known)
}

// TestInstructionClock waits half a minute of the guest's time.
func TestInstructionClock(t *testing.T) {
	s := stock(t)
	s.Clock = Instructions
	g := clone(t, s)
	if !g.Timing().Cloned || g.Hello().CPUs != 1 {
		t.Errorf("%v: want a clone with one CPU", g)
	}
	const port = "127.0.0.1:4711"
	if _, err := Call(t.Context(), g, wire.Listen, wire.ListenRequest{Addr: port}); err != nil {
		t.Fatal(err)
	}
	conn, err := Call(t.Context(), g, wire.Dial, wire.DialRequest{Addr: port})
	if err != nil {
		t.Fatal(err)
	}
	uptime := func() (d float64) {
		if _, err := fmt.Sscan(read(t, g, "/proc/uptime"), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	const wait = 30 * time.Second
	began, before := time.Now(), uptime()
	got, err := Call(t.Context(), g, wire.Recv, wire.RecvRequest{Conn: conn.Conn, Timeout: wait})
	if err != nil || !got.TimedOut {
		t.Fatalf("receive from nobody: %+v, %v, want a timeout", got, err)
	}
	if guest := uptime() - before; guest < wait.Seconds() {
		t.Errorf("%.1f s passed in the guest, want %v", guest, wait)
	}
	if host := time.Since(began); host > wait/2 {
		t.Errorf("%v passed on the host, want far less than %v", host, wait)
	}
}
