package kbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/cache"
)

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
	if !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "testdata/two: ") || !strings.Contains(err.Error(), "alpha, beta_two") {
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

// A source is counted once, however often it is walked through.
func TestScanOfALargeSource(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.c"), "int x;")
	data := filepath.Join(dir, "table.bin")
	write(t, data, "")
	for size, fits := range map[int64]bool{maxSource/2 + 1: true, maxSource + 1: false} {
		if err := os.Truncate(data, size); err != nil {
			t.Fatal(err)
		}
		source := &tree{root: dir}
		_, _, err := source.scan(t.Context())
		if fits && (err != nil || !source.names["table.bin"] || !source.names["main.c"]) {
			t.Errorf("%d bytes: %v, files %v", size, err, source.names)
		}
		if !fits && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes: %v, want %v", size, err, ErrTooLarge)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := (&tree{root: dir}).scan(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
