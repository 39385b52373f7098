package kbuild

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/cache"
)

var update = flag.Bool("update", false, "write the golden files")

func TestBuildWarnings(t *testing.T) {
	k := provision(t, "")
	s := Spec{Dir: "testdata/warns", Kernel: k, Cache: openCache(t)}
	for range 2 { // built, and from the cache
		m := mustBuild(t, s)
		if len(m.Warnings) != 1 || !strings.HasPrefix(m.Warnings[0], "testdata/warns/warns.c:6:13: warning: unused variable") {
			t.Errorf("warnings = %q", m.Warnings)
		}
	}
	// From elsewhere the same entry names the same file by another path.
	s.Dir = copySource(t, "warns")
	s.Logf = func(f string, a ...any) { t.Errorf("built again: "+f, a...) }
	if m := mustBuild(t, s); !strings.HasPrefix(m.Warnings[0], shorter(s.Dir+"/warns.c", workingDir())+":6:13: ") {
		t.Errorf("warnings = %q", m.Warnings)
	}
}

func TestCompileErrorGolden(t *testing.T) {
	k := provision(t, "")
	_, err := Build(t.Context(), Spec{Dir: "testdata/broken", Kernel: k, Cache: openCache(t)})
	var failed *CompileError
	if !errors.As(err, &failed) {
		t.Fatalf("broken module: %v", err)
	}
	// What make says of itself names lines of the kernel's makefiles, which differ.
	var kept strings.Builder
	fmt.Fprintf(&kept, "%v\n\n", err)
	for line := range strings.Lines(failed.Detail()) {
		if !strings.HasPrefix(line, "make") {
			kept.WriteString(strings.ReplaceAll(line, k.Build, "BUILD"))
		}
	}
	const golden = "testdata/broken.golden"
	if *update {
		write(t, golden, kept.String())
	}
	if diff := cmp.Diff(string(read(t, golden)), kept.String()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestBuildRefused(t *testing.T) {
	k, fake := provision(t, ""), fakeKernel(t)
	c := openCache(t)
	huge := copySource(t, "hello")
	if err := os.Truncate(filepath.Join(huge, "words.c"), maxSource+1); err != nil {
		t.Fatal(err)
	}
	spaced, err := cache.OpenAt(filepath.Join(t.TempDir(), "my cache"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		spec Spec
		want error
		text string
	}{
		{"no such directory", Spec{Dir: "testdata/nowhere"}, ErrNotModule, "testdata/nowhere"},
		{"no makefile", Spec{Dir: "testdata/shared/core"}, ErrNotModule, "neither a Kbuild nor a Makefile"},
		{"makefile without obj-m", Spec{Dir: "testdata/nothing", Kernel: fake}, ErrNotModule, `"obj-m := nothing.o"`},
		{"outside of root", Spec{Dir: "testdata/hello", Root: "testdata/two"}, ErrNotModule, "not inside testdata/two"},
		{"undefined symbol", Spec{Dir: "testdata/undefined"}, nil, `ERROR: modpost: "nobody_has_this"`},
		{"needs a root", Spec{Dir: "testdata/shared/web", Kernel: fake}, nil, "conn"},
		{"huge", Spec{Dir: huge}, ErrTooLarge, "256 MiB"},
		{"cache with a space", Spec{Dir: "testdata/hello", Cache: spaced}, ErrBadPath, "KTCP_CACHE"},
	}
	for _, tt := range tests {
		s := tt.spec
		if s.Kernel == nil {
			s.Kernel = k
		}
		if s.Cache == nil {
			s.Cache = c
		}
		_, err := Build(t.Context(), s)
		var failed *CompileError
		switch {
		case err == nil:
			t.Errorf("%s: builds", tt.name)
		case tt.want != nil && !errors.Is(err, tt.want), tt.want == nil && !errors.As(err, &failed):
			t.Errorf("%s: %v is of another kind", tt.name, err)
		case !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), c.Root()):
			t.Errorf("%s: %v, want one line with %q and the user's paths", tt.name, err, tt.text)
		}
	}
}

func TestBuildLinkLeadsOutside(t *testing.T) {
	k := fakeKernel(t)
	source := copySource(t, "hello")
	secret := filepath.Join(t.TempDir(), "secret.h")
	write(t, secret, "#error the secret\n")
	for link, target := range map[string]string{"absolute.h": secret, "up.h": "../../" + filepath.Base(filepath.Dir(secret)) + "/secret.h", "inside.h": "words.h"} {
		if err := os.Symlink(target, filepath.Join(source, link)); err != nil {
			t.Fatal(err)
		}
	}
	edit(t, filepath.Join(source, "main.c"), `#include "words.h"`, `#include "inside.h"`)
	s := Spec{Dir: source, Kernel: k, Cache: openCache(t)}
	mustBuild(t, s)
	edit(t, filepath.Join(source, "main.c"), `#include "inside.h"`, "#include \"absolute.h\"\n#include \"up.h\"")
	_, err := Build(t.Context(), s)
	var failed *CompileError
	if !errors.As(err, &failed) || strings.Contains(failed.Output, "the secret") || !strings.Contains(failed.Output, shorter(source+"/absolute.h", workingDir())+" was left out") {
		t.Errorf("link to outside: %v", err)
	}
}
