package kbuild

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

var update = flag.Bool("update", false, "write the golden files")

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

func TestBuild(t *testing.T) {
	for _, want := range series {
		t.Run(want, func(t *testing.T) {
			k := provision(t, want)
			c := openCache(t)
			source := copySource(t, "hello")
			// What an earlier build by hand left behind, for another kernel: it must neither be used nor counted.
			clean := baseline(t, k)
			for _, name := range []string{"main.o", "words.o", "hello.ko", "hello.mod.c", ".main.o.cmd", "Module.symvers", "modules.order"} {
				write(t, filepath.Join(source, name), "stale")
			}
			before := list(t, source)
			// Nor may it matter whether pahole is installed.
			t.Setenv("PATH", searchPath(t, "pahole"))
			if _, err := exec.LookPath("pahole"); err == nil {
				t.Fatal("pahole is still there")
			}
			var said []string
			s := Spec{Dir: source, Kernel: k, Cache: c, Logf: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }}
			m := mustBuild(t, s)
			if len(said) != 1 || !strings.HasPrefix(said[0], "building "+shorter(source, workingDir())) {
				t.Errorf("said %q", said)
			}
			if m.ID != clean.ID || !bytes.Equal(read(t, m.KO), read(t, clean.KO)) {
				t.Error("leftovers of another build, or pahole, change the module")
			}
			if diff := cmp.Diff(before, list(t, source)); diff != "" {
				t.Errorf("the source was changed (-before +after):\n%s", diff)
			}
			if strings.Contains(m.Log, "BTF") {
				t.Errorf("noise in the log:\n%s", m.Log)
			}
			if m.Name != "hello" || m.Source != source || m.Root != source || m.Warnings != nil {
				t.Errorf("module = %+v", m)
			}
			if !bytes.Contains(read(t, m.KO), []byte("vermagic="+k.Release+" ")) {
				t.Errorf("%s is not for %s", m.KO, k.Release)
			}
			// Warm: nothing is run, nothing is said.
			t.Setenv("KCFLAGS", "-DPOISON")
			said = nil
			if again := mustBuild(t, s); said != nil || again.ID != m.ID || again.KO != m.KO || again.Log != m.Log {
				t.Errorf("the second build said %q and made %+v", said, again)
			}
		})
	}
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

func TestBuildIncremental(t *testing.T) {
	k := provision(t, "")
	c := openCache(t)
	source := copySource(t, "hello")
	s := Spec{Dir: source, Kernel: k, Cache: c}
	first := mustBuild(t, s)
	edit(t, filepath.Join(source, "words.c"), `"hello"`, `"good morning"`)
	second := mustBuild(t, s)
	if got := compiled(second.Log); !slices.Equal(got, []string{"words"}) {
		t.Errorf("after an edit of words.c it compiled %v", got)
	}
	fresh := mustBuild(t, Spec{Dir: source, Kernel: k, Cache: openCache(t)})
	if second.ID != fresh.ID || !bytes.Equal(read(t, second.KO), read(t, fresh.KO)) {
		t.Error("the incremental build is not the one from nothing")
	}
	if first.ID == second.ID {
		t.Error("the edit did not change the ID")
	}
}

func TestBuildIncrementalErrors(t *testing.T) {
	source := copySource(t, "hello")
	s := Spec{Dir: source, Kernel: fakeKernel(t), Cache: openCache(t)}
	mustBuild(t, s)
	// A header reaches what includes it.
	edit(t, filepath.Join(source, "words.h"), "#endif", "/* more */\n#endif")
	if got := compiled(mustBuild(t, s).Log); !slices.Equal(got, []string{"main", "words"}) {
		t.Errorf("after an edit of words.h it compiled %v", got)
	}
	// An error does not spoil what compiled, nor stay.
	edit(t, filepath.Join(source, "words.c"), "return", "retrun")
	if _, err := Build(t.Context(), s); err == nil {
		t.Fatal("a typo compiles")
	}
	edit(t, filepath.Join(source, "words.c"), "retrun", "return (void)0,")
	if got := compiled(mustBuild(t, s).Log); !slices.Equal(got, []string{"words"}) {
		t.Errorf("after an error it compiled %v", got)
	}
}

func TestBuildAfterEditOfKbuild(t *testing.T) {
	source := copySource(t, "hello")
	s := Spec{Dir: source, Kernel: fakeKernel(t), Cache: openCache(t)}
	mustBuild(t, s)
	// Starts from nothing, and a module that is given up is gone.
	write(t, filepath.Join(source, "Kbuild"), "obj-m := words.o\n")
	if m := mustBuild(t, s); m.Name != "words" || !slices.Equal(compiled(m.Log), []string{"words"}) {
		t.Errorf("after an edit of Kbuild it made %s from %v", m.Name, compiled(m.Log))
	}
}

func TestBuildSourceEditedMeanwhile(t *testing.T) {
	k := fakeKernel(t)
	source := copySource(t, "hello")
	times := 0
	m := mustBuild(t, Spec{Dir: source, Kernel: k, Cache: openCache(t), Logf: func(string, ...any) {
		// Said after the digest was made and before the copy is.
		if times++; times == 1 {
			edit(t, filepath.Join(source, "words.c"), `"hello"`, `"written late"`)
		}
	}})
	fresh := mustBuild(t, Spec{Dir: source, Kernel: k, Cache: openCache(t)})
	if m.ID != fresh.ID || !bytes.Contains(read(t, m.KO), []byte("written late")) {
		t.Error("a module is kept under the digest of another source")
	}
	_, err := Build(t.Context(), Spec{Dir: source, Kernel: k, Cache: openCache(t), Logf: func(string, ...any) {
		times++
		edit(t, filepath.Join(source, "words.c"), `return "`, fmt.Sprintf(`return "%d`, times))
	}})
	if !errors.Is(err, errChanged) {
		t.Errorf("a source that changes each time: %v", err)
	}
}

func TestBuildSeveral(t *testing.T) {
	k := provision(t, "")
	s := Spec{Dir: "testdata/two", Kernel: k, Cache: openCache(t)}
	_, err := Build(t.Context(), s)
	if !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "testdata/two: ") || !strings.Contains(err.Error(), "alpha.ko, beta-two.ko") {
		t.Errorf("no name: %v", err)
	}
	s.Logf = func(f string, a ...any) { t.Errorf("built again: "+f, a...) }
	for _, name := range []string{"beta-two", "beta_two"} {
		s.Name = name
		if m := mustBuild(t, s); m.Name != "beta_two" || filepath.Base(m.KO) != "beta-two.ko" {
			t.Errorf("%s: %+v", name, m)
		}
	}
	s.Name = "gamma"
	if _, err := Build(t.Context(), s); !errors.Is(err, ErrNoModule) || !strings.Contains(err.Error(), "alpha.ko, beta-two.ko") {
		t.Errorf("gamma: %v", err)
	}
}

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

func TestBuildEnvironment(t *testing.T) {
	k := fakeKernel(t)
	source := copySource(t, "hello")
	write(t, filepath.Join(source, "Kbuild"), "obj-m := hello.o\nhello-y := main.o words.o\n$(info ENV $(shell env | tr '\\n' ' ') here=$(PWD).)\n")
	for name, value := range map[string]string{
		"SECRET_TOKEN": "hunter2", "KCFLAGS": "-DPOISON=", "MAKEFLAGS": "n", "MAKEFILES": "/nowhere", "CC": "false", "ARCH": "arm64", "LANG": "de_DE.UTF-8", "KBUILD_OUTPUT": "/nowhere",
	} {
		t.Setenv(name, value)
	}
	c := openCache(t)
	m := mustBuild(t, Spec{Dir: source, Kernel: k, Cache: c})
	env := regexp.MustCompile(`(?m)^ENV .*$`).FindString(m.Log)
	if env == "" {
		t.Fatalf("no environment in\n%s", m.Log)
	}
	for _, bad := range []string{"hunter2", "POISON", "arm64", "de_DE", "/nowhere", "HOME=" + os.Getenv("HOME") + " "} {
		if strings.Contains(env, bad) {
			t.Errorf("the build saw %q: %s", bad, env)
		}
	}
	if !strings.Contains(env, "here="+shorter(source, workingDir())+".") { // the copy's path, translated
		t.Errorf("PWD is not the module's directory: %s", env)
	}
}

// searchPath returns a PATH with all programs of this one but those named.
func searchPath(tb testing.TB, without ...string) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, d := range filepath.SplitList(os.Getenv("PATH")) {
		entries, err := os.ReadDir(d)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if slices.Contains(without, e.Name()) {
				continue
			}
			if err := os.Symlink(filepath.Join(d, e.Name()), filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, os.ErrExist) {
				tb.Fatal(err)
			}
		}
	}
	return dir
}

func TestMissingTools(t *testing.T) {
	k := fakeKernel(t)
	s := Spec{Dir: "testdata/hello", Kernel: k, Cache: openCache(t)}
	for tool, text := range map[string]string{"make": "apt-get install make", "strip": "apt-get install binutils"} {
		t.Run(tool, func(t *testing.T) {
			t.Setenv("PATH", searchPath(t, tool))
			if _, err := Build(t.Context(), s); !errors.Is(err, ErrMissingTool) || !strings.Contains(err.Error(), text) {
				t.Errorf("without %s: %v", tool, err)
			}
		})
	}
	dir := t.TempDir()
	fake := func(name, version string) {
		write(t, filepath.Join(dir, name), "#!/bin/sh\necho "+version+"\n")
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fake("make", "")
	fake("strip", "")
	t.Setenv("PATH", dir)
	if _, err := findToolchain(t.Context(), "gcc-12"); !errors.Is(err, ErrMissingTool) || !strings.Contains(err.Error(), "apt-get install gcc-12") {
		t.Errorf("no compiler: %v", err)
	}
	fake("gcc", "14.2.0")
	if _, err := findToolchain(t.Context(), "gcc-12"); !errors.Is(err, ErrMissingTool) || !strings.Contains(err.Error(), "gcc is version 14.2.0") {
		t.Errorf("another compiler: %v", err)
	}
	if tools, err := findToolchain(t.Context(), "gcc-14"); err != nil || tools.cc != filepath.Join(dir, "gcc") {
		t.Errorf("the right compiler under another name: %+v, %v", tools, err)
	}
	fake("gcc-12", "12.2.0")
	if tools, err := findToolchain(t.Context(), "gcc-12"); err != nil || tools.cc != filepath.Join(dir, "gcc-12") {
		t.Errorf("the right compiler: %+v, %v", tools, err)
	}
}

func TestBuildTwoAtOnce(t *testing.T) {
	k := fakeKernel(t)
	root := t.TempDir()
	var mu sync.Mutex
	builds := 0
	modules := make([]*Module, 3)
	var wg sync.WaitGroup
	for i := range modules {
		wg.Go(func() {
			c, err := cache.OpenAt(root)
			if err != nil {
				t.Error(err)
				return
			}
			modules[i], err = Build(context.Background(), Spec{Dir: "testdata/hello", Kernel: k, Cache: c, Logf: func(string, ...any) {
				mu.Lock()
				defer mu.Unlock()
				builds++
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if builds != 1 {
		t.Errorf("it was built %d times", builds)
	}
	if diff := cmp.Diff(modules[0], modules[1]); diff != "" {
		t.Errorf("two runs got different modules:\n%s", diff)
	}
}

func TestBuildDamaged(t *testing.T) {
	k := fakeKernel(t)
	s := Spec{Dir: "testdata/hello", Kernel: k, Cache: openCache(t)}
	m := mustBuild(t, s)
	if err := os.Remove(m.Stripped); err != nil {
		t.Fatal(err)
	}
	if again := mustBuild(t, s); again.ID != m.ID {
		t.Errorf("ID %s, want %s", again.ID, m.ID)
	}
	read(t, m.Stripped)
}

func BenchmarkBuildWarm(b *testing.B) {
	s := Spec{Dir: "testdata/hello", Kernel: provision(b, ""), Cache: openCache(b)}
	mustBuild(b, s)
	for b.Loop() {
		mustBuild(b, s)
	}
}

// BenchmarkBuildEdit is what a user waits for after each edit.
func BenchmarkBuildEdit(b *testing.B) {
	source := copySource(b, "hello")
	s := Spec{Dir: source, Kernel: provision(b, ""), Cache: openCache(b)}
	mustBuild(b, s)
	n := 0
	for b.Loop() {
		n++
		write(b, filepath.Join(source, "words.c"), fmt.Sprintf("#include \"words.h\"\nconst char *hello_word(void) { return \"%d\"; }\n", n))
		mustBuild(b, s)
	}
}
