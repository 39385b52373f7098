package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ktcp/harness/smallfs"
)

// wantUnusable fails the test unless err says in one line what is wrong with the place, and what to do.
func wantUnusable(tb testing.TB, err error, text string) {
	tb.Helper()
	if !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "set KTCP_CACHE") || strings.Contains(err.Error(), "\n") {
		tb.Errorf("error %q, want one line with %q and a remedy", err, text)
	}
}

// asNobody runs f without root's power over files, which would make permissions meaningless.
func asNobody(tb testing.TB, f func()) {
	tb.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	// Of this thread alone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		tb.Fatal(err)
	}
	defer func() {
		if _, err := unix.SetfsuidRetUid(0); err != nil {
			tb.Fatal(err)
		}
	}()
	f()
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // nobody must get there
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(dir, "cache")
	d, err := OpenAt(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Entry(t.Context(), "kind", "key", content("there")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, root + "/kind", root + "/locks"} {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Error(err)
			}
		})
	}
	asNobody(t, func() {
		_, err := OpenAt(root)
		wantUnusable(t, err, root+" cannot be written to")
		// Where it became read-only after it was opened, what is there still serves.
		if path, err := d.Entry(t.Context(), "kind", "key", never); err != nil {
			t.Errorf("an entry that is there: %v", err)
		} else {
			wantContent(t, path, "there")
		}
		for _, kind := range []string{"kind", "another"} {
			_, err = d.Entry(t.Context(), kind, "new", content("new"))
			wantUnusable(t, err, root+" cannot be written to")
		}
		_, _, err = d.Scratch("guest")
		wantUnusable(t, err, root+" cannot be written to")
	})
}

func TestNotADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, file + "/below"} {
		_, err := OpenAt(root)
		wantUnusable(t, err, root+" is not a directory")
	}
}

func TestFull(t *testing.T) {
	smallfs.Run(t, func(t *testing.T) {
		root := smallfs.Mount(t, "size=64k")
		d, err := OpenAt(root)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Entry(t.Context(), "kind", "key", content(strings.Repeat("x", 1<<20)))
		wantUnusable(t, err, root+" is full")
		// Nothing is left of it, so that there is room for what is small.
		if _, err := d.Entry(t.Context(), "kind", "small", content(strings.Repeat("x", 40<<10))); err != nil {
			t.Error(err)
		}
	})
}

func TestFullOfFiles(t *testing.T) {
	smallfs.Run(t, func(t *testing.T) {
		root := smallfs.Mount(t, "size=64k,nr_inodes=6")
		d, err := OpenAt(root)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Entry(t.Context(), "kind", "key", func(ctx context.Context, tmp string) error {
			return errors.Join(content("one")(ctx, tmp), os.WriteFile(filepath.Join(tmp, "two"), nil, 0o644))
		})
		wantUnusable(t, err, root+" is full")
		_, _, err = d.Scratch("guest")
		wantUnusable(t, err, root+" is full")
	})
}
