package foreign

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
	"ktcp/harness/subject"
)

func TestChoose(t *testing.T) {
	echo := traits{Name: "kecho", serves: true}
	other := traits{Name: "echo2", serves: true}
	http := traits{Name: "web", serves: true, http: true}
	drop := traits{Name: "drop_tcp_socket"}
	for _, c := range []struct {
		name string
		all  []traits
		as   subject.Role
		want string
	}{
		{"the only one", []traits{drop}, "", "drop_tcp_socket"},
		{"the only server", []traits{drop, other}, "", "echo2"},
		{"the one of the role", []traits{echo, http}, subject.HTTP, "web"},
		{"the one called like the role's own", []traits{other, echo}, "", "kecho"},
		{"two servers", []traits{other, http}, "", ""},
		{"none", []traits{drop, {Name: "x"}}, "", ""},
	} {
		got, err := choose(c.all, c.as)
		if got.Name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.name, got.Name, err, c.want)
		}
	}
}

func TestReach(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"obj-m := m.o\n":                            dir,
		"include ../common.mk\n":                    filepath.Dir(dir),
		"ccflags-y := -I$(src)/..\nobj-m := m.o\n":  filepath.Dir(dir),
		"m-y := main.o ../../shared/x.o\n":          root,
		"# see http://x/... for more\nobj-m := m.o": dir,
		"#KDIR ?= ../../linux\nobj-m := m.o\n":      dir,
		"obj-m := m.o # and not ../n.o\n":           dir,
	} {
		if err := os.WriteFile(filepath.Join(dir, "Kbuild"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := reach(dir); got != want {
			t.Errorf("reach with %q: %s, want %s", text, got, want)
		}
	}
}

// A makefile may name a directory above that is no source of it: then its own is what there is to build.
func TestIdentifyBesideMuchElse(t *testing.T) {
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	k, err := kernel.Provision(t.Context(), kernel.Spec{Cache: c, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	above := t.TempDir()
	dir := filepath.Join(above, "kecho")
	if err := os.CopyFS(dir, os.DirFS("../vet/testdata/poor/blocking")); err != nil {
		t.Fatal(err)
	}
	makefile, err := os.OpenFile(filepath.Join(dir, "Makefile"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = makefile.WriteString("\nccflags-y += -I$(src)/../include\n")
	if err := errors.Join(err, makefile.Close()); err != nil {
		t.Fatal(err)
	}
	film := filepath.Join(above, "film")
	if err := os.WriteFile(film, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(film, 1<<30); err != nil { // sparse, and more than is ever copied
		t.Fatal(err)
	}
	id, err := Identify(t.Context(), Spec{Dir: dir, Kernel: k, Cache: c})
	if err != nil || id.Stranger == nil || id.Stranger.Root != dir {
		t.Errorf("%+v, %v, want what is in %s alone", id, err, dir)
	}
}
