package apt

import (
	"context"
	"errors"
	"strings"
	"testing"

	"ktcp/harness/cache"
)

func TestCommandError(t *testing.T) {
	full := &CommandError{Argv: []string{"dpkg-deb", "-x", "a.deb", "."}, Err: errors.New("exit status 2"),
		Output: "dpkg-deb: error: failed to write (No space left on device)\ntar: gone\n"}
	if got, want := full.Error(), "dpkg-deb a.deb: failed to write (No space left on device)"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	// So that the cache can say that it is full.
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Entry(t.Context(), "kernels", "k", func(context.Context, string) error { return full })
	if !errors.Is(err, cache.ErrUnusable) || !strings.Contains(err.Error(), "is full") {
		t.Errorf("through the cache: %v", err)
	}
	gone := &CommandError{Argv: []string{"apt-get", "-q", "download", "a=1"}, Err: errors.New("exit status 100"),
		Output: "Err:1 http://x a 1\n  404  Not Found [IP: ::1 80]\nE: Failed to fetch http://x/a.deb  404  Not Found\n"}
	if !gone.Stale() || full.Stale() {
		t.Error("a 404 means that the lists are stale, a full disk does not")
	}
}
