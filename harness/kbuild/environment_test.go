package kbuild

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

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
