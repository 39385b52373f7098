package kbuild

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnmark(t *testing.T) {
	const copied, root = "/cache/builds/0123/src", "/home/anna/module"
	for said, want := range map[string]string{
		copied + "/kweb/main.c:12:5: error: no":       "module/kweb/main.c:12:5: error: no",
		copied + "/kweb/../core/io.c:1: error: x":     "module/core/io.c:1: error: x",
		"  CC [M]  " + copied + "/kweb/main.o":        "  CC [M]  module/kweb/main.o",
		"No rule to make '" + copied + "/kweb/x.o'.":  "No rule to make 'module/kweb/x.o'.",
		"[" + copied + "/kweb/kweb.ko] undefined":     "[module/kweb/kweb.ko] undefined",
		"In file included from " + copied + "/a.h:1,": "In file included from module/a.h:1,",
		"(" + copied + "): " + copied:                 "(module): module",
		"/cache/kernels/k/include/linux/slab.h:5: in": "/cache/kernels/k/include/linux/slab.h:5: in",
	} {
		if got := unmark(mark(said, copied, "kweb"), root, "/home/anna"); got != want {
			t.Errorf("%q is shown as %q, want %q", said, got, want)
		}
	}
	// From far away the absolute path is the shorter one.
	if got, want := unmark(rootMark+"/a.c", "/srv/m", "/home/anna/deep/down"), "/srv/m/a.c"; got != want {
		t.Errorf("shown as %q, want %q", got, want)
	}
}

func TestMarkRelative(t *testing.T) {
	copied := t.TempDir()
	mkdir(t, copied+"/web")
	write(t, copied+"/web/main.c", "")
	for said, want := range map[string]string{
		"main.c:3:1: error: x\n":                "@root@/web/main.c:3:1: error: x\n",
		"./main.c:3:1: error: x\n":              "@root@/web/main.c:3:1: error: x\n",
		"In file included from main.c:1:\n":     "In file included from @root@/web/main.c:1:\n",
		"include/linux/slab.h:3:1: note: y\n":   "include/linux/slab.h:3:1: note: y\n",
		"other.c:3:1: error: of the kernel\n":   "other.c:3:1: error: of the kernel\n",
		"text that mentions main.c:3 somewhere": "text that mentions main.c:3 somewhere",
	} {
		if got := mark(said, copied, "web"); got != want {
			t.Errorf("mark(%q) = %q, want %q", said, got, want)
		}
	}
}

const log = `warning: the compiler differs from the one used to build the kernel
  The kernel was built by: gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0
  You are using:           gcc-12 (Debian 12.2.0-14) 12.2.0
  CC [M]  web/main.o
web/main.c:6:13: warning: unused variable 'unused' [-Wunused-variable]
web/main.o: warning: objtool: f() falls through
WARNING: modpost: missing MODULE_LICENSE() in web/main.o
Skipping BTF generation for web/web.ko due to unavailability of vmlinux
`

func TestWarnings(t *testing.T) {
	want := []string{
		"web/main.c:6:13: warning: unused variable 'unused' [-Wunused-variable]",
		"web/main.o: warning: objtool: f() falls through",
		"WARNING: modpost: missing MODULE_LICENSE() in web/main.o",
	}
	text := withoutNoise(log)
	if diff := cmp.Diff(want, warnings(text)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("  CC [M]  web/main.o\n"+want[0]+"\n"+want[1]+"\n"+want[2]+"\n", text); diff != "" {
		t.Errorf("without noise (-want +got):\n%s", diff)
	}
}

func TestFirstError(t *testing.T) {
	for text, want := range map[string]struct {
		first string
		count int
	}{
		"a.c:1: warning: w\na.c:2:1: error: one\na.c:3:1: error: two\nmake[1]: *** [a.o] Error 1\n": {"a.c:2:1: error: one", 2},
		"a.c:1:10: fatal error: x.h: No such file or directory\n":                                   {"a.c:1:10: fatal error: x.h: No such file or directory", 1},
		"  MODPOST x\nERROR: modpost: \"f\" [a.ko] undefined!\nmake: *** Error 2\n":                 {"ERROR: modpost: \"f\" [a.ko] undefined!", 1},
		"make[2]: *** No rule to make target 'a.o'.  Stop.\nmake: *** [all] Error 2\n":              {"make[2]: *** No rule to make target 'a.o'.  Stop.", 0},
		"/m/Kbuild:3: *** missing separator.  Stop.\n":                                              {"/m/Kbuild:3: *** missing separator.  Stop.", 0},
		"Killed\n": {"", 0},
	} {
		if first, count := firstError(text); first != want.first || count != want.count {
			t.Errorf("firstError(%q) = %q, %d; want %q, %d", text, first, count, want.first, want.count)
		}
	}
}

func TestPrefixMaps(t *testing.T) {
	const o = "-ffile-prefix-map="
	for dir, want := range map[string][]string{
		".":    nil,
		"kweb": {o + "/c/kweb/../="},
		"a/b":  {o + "/c/a/b/../=a/", o + "/c/a/b/../../="},
	} {
		got := prefixMaps("/build", "/c", dir)
		if want := append([]string{o + "$(or $(abs_srctree),$(srctree))/=", o + "/build=.", o + "/c/="}, want...); !slices.Equal(got, want) {
			t.Errorf("prefixMaps(%q) = %q, want %q", dir, got, want)
		}
	}
}

func TestPick(t *testing.T) {
	two := []string{"alpha.ko", "beta-two.ko"}
	tests := []struct {
		files     []string
		name, dir string
		want      string
		err       error
	}{
		{[]string{"a.ko"}, "", "dir", "a.ko", nil},
		{two, "beta_two", "dir", "beta-two.ko", nil},
		{two, "beta-two", "dir", "beta-two.ko", nil},
		{two, "", "beta_two", "beta-two.ko", nil},
		{two, "", "dir", "", ErrAmbiguous},
		{two, "gamma", "alpha", "", ErrNoModule},
		{[]string{"a.ko"}, "b", "a", "", ErrNoModule},
	}
	for _, tt := range tests {
		got, err := pick(tt.files, tt.name, tt.dir)
		if got != tt.want || (tt.err == nil) != (err == nil) || tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("pick(%v, %q, %q) = %q, %v; want %q, %v", tt.files, tt.name, tt.dir, got, err, tt.want, tt.err)
		}
	}
}
