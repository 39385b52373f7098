package vm

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"ktcp/harness/cache"
	"ktcp/harness/image"
	"ktcp/harness/kernel"
)

// provision gets kernel and initramfs once for all tests, from the user's cache.
var provision = sync.OnceValues(func() (Spec, error) {
	ctx := context.Background()
	c, err := cache.Open()
	if err != nil {
		return Spec{}, err
	}
	logf := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
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

// stock returns the Spec of a guest with the default kernel, which says in the test's log what it does.
func stock(tb testing.TB) Spec {
	tb.Helper()
	s, err := provision()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
