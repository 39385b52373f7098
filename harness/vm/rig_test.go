package vm

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ktcp/guest/wire"
	"ktcp/harness/cache"
	"ktcp/harness/image"
	"ktcp/harness/kernel"
)

var update = flag.Bool("update", false, "rewrite golden files")

// provision gets kernel and initramfs once for all tests, from the user's cache.
var provision = sync.OnceValues(func() (Spec, error) {
	ctx := context.Background()
	c, err := cache.Open()
	if err != nil {
		return Spec{}, err
	}
	logf := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	k, err := kernel.Provision(ctx, kernel.Spec{Want: os.Getenv("KERNEL"), Cache: c, Logf: logf})
	if err != nil {
		return Spec{}, err
	}
	i, err := image.Build(ctx, image.Spec{Kernel: k, Cache: c, Logf: logf})
	if err != nil {
		return Spec{}, err
	}
	return Spec{Kernel: k, Image: i, Cache: c, Logf: logf}, nil
})

// stock returns the Spec of a guest with the default kernel, out of the user's cache.
func stock(tb testing.TB) Spec {
	tb.Helper()
	s, err := provision()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// private returns stock with a cache of the test's own and a log that the test can read.
func private(tb testing.TB) (Spec, *logbook) {
	tb.Helper()
	s := stock(tb)
	var err error
	if s.Cache, err = cache.OpenAt(tb.TempDir()); err != nil {
		tb.Fatal(err)
	}
	book := &logbook{}
	s.Logf = book.logf
	return s, book
}

// clone returns a guest that is closed with the test.
func clone(tb testing.TB, s Spec) *Guest {
	tb.Helper()
	g, err := Clone(tb.Context(), s)
	if err != nil {
		detail(tb, err)
	}
	tb.Cleanup(func() {
		if err := g.Close(); err != nil {
			tb.Errorf("close guest: %v", err)
		}
	})
	return g
}

// detail fails the test with an error and the console that belongs to it.
func detail(tb testing.TB, err error) {
	tb.Helper()
	var d interface{ Detail() string }
	if errors.As(err, &d) {
		tb.Fatalf("%v\n%s", err, d.Detail())
	}
	tb.Fatal(err)
}

// read returns a file of the guest.
func read(tb testing.TB, g *Guest, path string) string {
	tb.Helper()
	res, err := Call(tb.Context(), g, wire.ReadFile, wire.FileRequest{Path: path})
	if err != nil {
		tb.Fatalf("read %s: %v", path, err)
	}
	return strings.TrimSpace(string(res.Data))
}

// logbook keeps what Logf is told.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (b *logbook) logf(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

// count returns how many lines contain text.
func (b *logbook) count(text string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}

// stub writes a shell script that stands in for QEMU. REAL in it is the real one.
func stub(tb testing.TB, script string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "qemu-stub")
	script = "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'QEMU emulator version 0.0 (stub)'; exit; }\n" +
		strings.ReplaceAll(script, "REAL", qemuCommand) + "\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		tb.Fatal(err)
	}
	return path
}
