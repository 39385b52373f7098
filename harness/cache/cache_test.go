package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func open(tb testing.TB) *Dir {
	tb.Helper()
	d, err := OpenAt(filepath.Join(tb.TempDir(), "cache"))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// content returns a builder that writes one file.
func content(text string) func(context.Context, string) error {
	return func(_ context.Context, tmp string) error {
		return os.WriteFile(filepath.Join(tmp, "file"), []byte(text), 0o644)
	}
}

// never is a builder for an entry that must be there already.
func never(context.Context, string) error { return errors.New("built although it was there") }

// names returns what is in a directory.
func names(tb testing.TB, dir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// wantContent fails the test unless path is an entry with that text.
func wantContent(tb testing.TB, path, text string) {
	tb.Helper()
	if got, err := os.ReadFile(filepath.Join(path, "file")); err != nil || string(got) != text {
		tb.Errorf("%s holds %q (%v), want %q", path, got, err, text)
	}
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a/b")
	t.Setenv("KTCP_CACHE", dir)
	d, err := Open()
	if err != nil || d.Root() != dir {
		t.Errorf("Open() = %v, %v", d, err)
	}
	if left := names(t, dir); left != nil {
		t.Errorf("opening leaves %v", left)
	}
	t.Setenv("KTCP_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", dir)
	if d, err = Open(); err != nil || d.Root() != dir+"/ktcp" {
		t.Errorf("Open() = %v, %v", d, err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := Open(); !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "KTCP_CACHE") {
		t.Errorf("without a home: %v", err)
	}
}

func TestEntry(t *testing.T) {
	d := open(t)
	path, err := d.Entry(t.Context(), "kind", "key", content("first"))
	if err != nil || path != filepath.Join(d.Root(), "kind", "key") {
		t.Fatalf("Entry = %q, %v", path, err)
	}
	wantContent(t, path, "first")
	if again, err := d.Entry(t.Context(), "kind", "key", never); err != nil || again != path {
		t.Errorf("the second time: %q, %v", again, err)
	}
	other, err := d.Entry(t.Context(), "kind", "other", content("second"))
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, other, "second")
	if err := d.Drop(t.Context(), "kind", "key"); err != nil {
		t.Fatal(err)
	}
	if err := d.Drop(t.Context(), "kind", "key"); err != nil {
		t.Errorf("drop of what is not there: %v", err)
	}
	if _, err := d.Entry(t.Context(), "kind", "key", content("third")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "third")
	wantContent(t, other, "second")
}

func TestEntryFails(t *testing.T) {
	d := open(t)
	broken := errors.New("does not compile")
	_, err := d.Entry(t.Context(), "kind", "key", func(_ context.Context, tmp string) error {
		// As unpacked packages have them: a directory without write permission.
		dir := filepath.Join(tmp, "read-only")
		return errors.Join(os.MkdirAll(filepath.Join(dir, "sub"), 0o755), os.Chmod(dir, 0o500), broken)
	})
	if !errors.Is(err, broken) || errors.Is(err, ErrUnusable) {
		t.Errorf("Entry = %v, want the builder's error", err)
	}
	if left := names(t, filepath.Join(d.Root(), "kind")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if _, err := d.Entry(t.Context(), "kind", "key", content("fixed")); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

func TestEntryFull(t *testing.T) {
	d := open(t)
	for _, errno := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		_, err := d.Entry(t.Context(), "kind", "key", func(_ context.Context, tmp string) error {
			return errors.Join(content("half")(nil, tmp), &fs.PathError{Op: "write", Path: tmp, Err: errno})
		})
		if !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), d.Root()+" is full") || !strings.Contains(err.Error(), "KTCP_CACHE") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v", errno, err)
		}
		if left := names(t, filepath.Join(d.Root(), "kind")); left != nil {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestEntryHalfWritten(t *testing.T) {
	d := open(t)
	tmp := filepath.Join(d.Root(), "kind", tmpPrefix+"key")
	if err := os.MkdirAll(filepath.Join(tmp, "half/written"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := d.Entry(t.Context(), "kind", "key", func(ctx context.Context, tmp string) error {
		if left := names(t, tmp); left != nil {
			t.Errorf("the builder starts with %v", left)
		}
		return content("whole")(ctx, tmp)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "whole")
	if left := names(t, path); len(left) != 1 {
		t.Errorf("the entry holds %v", left)
	}
}

func TestEntryRemovesAbandoned(t *testing.T) {
	d := open(t)
	// One builder is at work on this entry, another was killed at that one.
	alive := filepath.Join(d.Root(), "kind", tmpPrefix+"alive")
	dead := filepath.Join(d.Root(), "kind", tmpPrefix+"dead")
	for _, dir := range []string{alive, dead} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := d.Lock(t.Context(), "kind", "alive")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := d.Entry(t.Context(), "kind", "key", content("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(alive); err != nil {
		t.Errorf("removed under its builder: %v", err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestEntryWaitsAndShares(t *testing.T) {
	root := t.TempDir()
	var built atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			d, err := OpenAt(root)
			if err != nil {
				t.Error(err)
				return
			}
			path, err := d.Entry(t.Context(), "kind", "key", func(ctx context.Context, tmp string) error {
				built.Add(1)
				return content("shared")(ctx, tmp)
			})
			if err != nil {
				t.Error(err)
				return
			}
			wantContent(t, path, "shared")
		})
	}
	wg.Wait()
	if n := built.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

func TestEntryCancelled(t *testing.T) {
	d := open(t)
	unlock, err := d.Lock(t.Context(), "kind", "key")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := d.Entry(ctx, "kind", "key", never)
		done <- err
	}()
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "kind key") {
			t.Errorf("cancelled: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits on after its context has ended")
	}
}

func TestPruneTo(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	const size = 64 << 10
	for i, key := range []string{"older", "old", "used", "new"} {
		path, err := d.Entry(ctx, "kind", key, content(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		// A hole takes no room: with it counted, nothing but the newest would be kept.
		if err := os.Truncate(filepath.Join(path, "file"), 1<<30); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Duration(i-10)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	left := func() string { return fmt.Sprint(names(t, filepath.Join(d.Root(), "kind"))) }
	for _, tt := range []struct {
		bytes int64
		want  string
	}{
		{5 * size, "[new old older used]"},
		{3*size + size/2, "[new old used]"},
		{size / 2, "[new]"},
	} {
		if err := d.PruneTo(ctx, "kind", tt.bytes); err != nil {
			t.Fatal(err)
		}
		if got := left(); got != tt.want {
			t.Errorf("at most %d bytes: %s left, want %s", tt.bytes, got, tt.want)
		}
	}
	if err := d.PruneTo(ctx, "no such kind", size); err != nil {
		t.Error(err)
	}
}

func TestPrune(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	for _, key := range []string{"old", "used", "new"} {
		path, err := d.Entry(ctx, "kind", key, content(key))
		if err != nil {
			t.Fatal(err)
		}
		if key != "new" {
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := d.Entry(ctx, "kind", "used", never); err != nil {
		t.Fatal(err)
	}
	if err := d.Prune(ctx, "kind", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(t, filepath.Join(d.Root(), "kind"))); got != "[new used]" {
		t.Errorf("after pruning: %s", got)
	}
	if err := d.Prune(ctx, "no such kind", time.Hour); err != nil {
		t.Error(err)
	}
}
