package vm

import (
	"errors"
	"strings"
	"testing"

	"ktcp/harness/cache"
	"ktcp/harness/smallfs"
)

// TestFullCache makes a template on a file system that has no room for it.
func TestFullCache(t *testing.T) {
	stock(t) // everything is provisioned
	smallfs.Run(t, func(t *testing.T) {
		s := stock(t)
		var err error
		if s.Cache, err = cache.OpenAt(smallfs.Mount(t, "size=8m")); err != nil {
			t.Fatal(err)
		}
		g, err := Clone(t.Context(), s)
		if err == nil {
			t.Fatalf("a template fit on the disk: %v", g.Close())
		}
		if !errors.Is(err, cache.ErrUnusable) || !strings.Contains(err.Error(), "is full") {
			t.Errorf("%v, want an error that the cache is full", err)
		}
	})
}
