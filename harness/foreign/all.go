package foreign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"ktcp/harness/cache"
	"ktcp/harness/kbuild"
	"ktcp/harness/kernel"
	"ktcp/harness/subject"
)

// All identifies the modules of several directories on the kernel that KERNEL and FLAVOR name: spec says what is known of all of them. The
// first that cannot be told ends it, with a line that names it, and a compiler's output below.
func All(ctx context.Context, dirs []string, spec Spec, logf func(format string, args ...any)) (modules []subject.Stranger, err error) {
	if spec.Cache, err = cache.Open(); err != nil {
		return nil, err
	}
	if spec.Kernel, err = kernel.Provision(ctx, kernel.Spec{
		Want: os.Getenv("KERNEL"), Flavor: os.Getenv("FLAVOR"), Cache: spec.Cache, Logf: logf,
	}); err != nil {
		return nil, err
	}
	if err := kbuild.Isolation(); errors.Is(err, kbuild.ErrNoCage) {
		logf("makefiles run with your own rights: %v", err)
	} else if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		spec.Dir = d
		id, err := Identify(ctx, spec)
		if err != nil {
			return nil, describe(d, err)
		}
		modules = append(modules, *id.Stranger)
	}
	return modules, nil
}

// describe is what is wrong with a directory.
func describe(dir string, err error) error {
	text := err.Error()
	if !strings.Contains(text, dir) {
		text = dir + ": " + text
	}
	var detailed interface{ Detail() string }
	if errors.As(err, &detailed) && detailed.Detail() != "" {
		return fmt.Errorf("%s\n%s", text, strings.TrimRight(detailed.Detail(), "\n"))
	}
	return errors.New(text)
}
