package kbuild

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

// series are the kernels that modules are built for here.
var series = []string{"6.1", "6.12"}

// provision returns a packaged kernel from the user's cache.
func provision(tb testing.TB, want string) *kernel.Kernel {
	tb.Helper()
	c, err := cache.Open()
	if err != nil {
		tb.Fatal(err)
	}
	k, err := kernel.Provision(tb.Context(), kernel.Spec{Want: want, Cache: c, Logf: tb.Logf})
	if errors.Is(err, kernel.ErrNoPackage) && want != "" {
		tb.Skipf("this distribution has no such kernel: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// openCache returns a cache without modules.
func openCache(tb testing.TB) *cache.Dir {
	tb.Helper()
	c, err := cache.OpenAt(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// baselines are the modules of testdata/hello, built once for each kernel.
var baselines = map[string]*Module{}

func baseline(tb testing.TB, k *kernel.Kernel) *Module {
	tb.Helper()
	if baselines[k.ID] == nil {
		// Beyond the life of this test: the others compare with it.
		dir, err := os.MkdirTemp(scratch, "baseline-")
		if err != nil {
			tb.Fatal(err)
		}
		c, err := cache.OpenAt(dir)
		if err != nil {
			tb.Fatal(err)
		}
		baselines[k.ID] = mustBuild(tb, Spec{Dir: "testdata/hello", Kernel: k, Cache: c})
	}
	return baselines[k.ID]
}

// scratch lives as long as the tests.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "kbuild-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		scratch = dir
		return m.Run()
	}())
}

// mustBuild fails the test unless the module builds.
func mustBuild(tb testing.TB, s Spec) *Module {
	tb.Helper()
	m, err := Build(tb.Context(), s)
	if err != nil {
		var failed *CompileError
		if errors.As(err, &failed) {
			tb.Fatalf("%v\n%s", err, failed.Output)
		}
		tb.Fatal(err)
	}
	return m
}

// copySource copies a directory of testdata, so that a test can change it.
func copySource(tb testing.TB, name string) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func mkdir(tb testing.TB, path string) {
	tb.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		tb.Fatal(err)
	}
}

func write(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// edit replaces a string in a file.
func edit(tb testing.TB, path, from, to string) {
	tb.Helper()
	old := string(read(tb, path))
	if !strings.Contains(old, from) {
		tb.Fatalf("%s has no %q", path, from)
	}
	write(tb, path, strings.Replace(old, from, to, 1))
}

// compiled returns the sources that a build compiled, without the module's own additions.
func compiled(log string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  CC \[M\]\s+\S*?([\w-]+)\.o$`).FindAllStringSubmatch(log, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

// list returns the names and contents of a directory.
func list(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		all[e.Name()] = string(read(tb, filepath.Join(dir, e.Name())))
	}
	return all
}
