package kbuild

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A makefile that does what it should not, and says what of it succeeded.
const hostileKbuild = `obj-m := hello.o
hello-y := main.o words.o
try = $(if $(filter done,$(shell ($(1)) >/dev/null 2>&1 && echo done)),$(info ESCAPED $(2)))
$(call try,echo x > %[1]s/outside,write)
$(call try,rm %[1]s/precious,remove)
$(call try,bash -c ': > /dev/tcp/127.0.0.1/%[2]d',connect)
$(call try,kill -0 %[3]d,signal)
$(call try,mount -o remount$(comma)bind$(comma)rw /,remount)
$(call try,umount -l %[1]s || mount -t tmpfs none /mnt,mount)
$(call try,test -n "$$(ls /run)",run)
$(shell echo inside > $(src)/inside || echo x > inside)
comma := ,
`

// Where the machine has no cage, whoever builds is to say so, in one line; that nothing is locked up then is no secret.
func TestForeignMakefileIsLockedUp(t *testing.T) {
	k := provision(t, "")
	outside := t.TempDir()
	precious := filepath.Join(outside, "precious")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	source := copySource(t, "hello")
	write(t, filepath.Join(source, "Kbuild"), fmt.Sprintf(hostileKbuild, outside, listener.Addr().(*net.TCPAddr).Port, os.Getpid()))
	write(t, precious, "x")

	caged := Isolation()
	m := mustBuild(t, Spec{Dir: source, Kernel: k, Cache: openCache(t), Foreign: true})
	switch out := strings.Contains(m.Log, "ESCAPED"); {
	case caged == nil && out:
		t.Errorf("the makefile got out:\n%s", m.Log)
	case caged == nil:
		if _, err := os.Stat(precious); err != nil {
			t.Error(err)
		}
	case !out || strings.Contains(caged.Error(), "\n"):
		t.Errorf("there is a cage after all, or more than a line about why there is none: %q", caged)
	}

	// The makefile does get out where nobody locks it up: else this test would prove nothing.
	write(t, precious, "x")
	m = mustBuild(t, Spec{Dir: source, Kernel: k, Cache: openCache(t)})
	for _, way := range []string{"write", "remove", "connect", "signal"} {
		if !strings.Contains(m.Log, "ESCAPED "+way) {
			t.Errorf("without a cage, %s fails too:\n%s", way, m.Log)
		}
	}
}

// The same bytes, locked up or not.
func TestForeignBuildIsTheSame(t *testing.T) {
	k := provision(t, "")
	m := mustBuild(t, Spec{Dir: "testdata/hello", Kernel: k, Cache: openCache(t), Foreign: true})
	if string(read(t, m.KO)) != string(read(t, baseline(t, k).KO)) {
		t.Error("a foreign module is built differently")
	}
}

func TestForeignBuildThatHangsIsKilled(t *testing.T) {
	k := fakeKernel(t)
	source := copySource(t, "hello")
	started := filepath.Join(t.TempDir(), "never")
	write(t, filepath.Join(source, "Kbuild"), "obj-m := hello.o\n$(shell sleep 1000 & sleep 1000; touch "+started+")\n")
	ctx, cancel := context.WithTimeout(t.Context(), cageDeadline/10)
	defer cancel()
	if _, err := Build(ctx, Spec{Dir: source, Kernel: k, Cache: openCache(t), Foreign: true}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want the deadline, got %v", err)
	}
}

func TestAmbiguousNamesAll(t *testing.T) {
	var several *AmbiguousError
	_, err := pick([]string{"alpha.ko", "beta-two.ko"}, "", "dir")
	if !errors.As(err, &several) || !errors.Is(err, ErrAmbiguous) || strings.Join(several.Names, " ") != "alpha beta_two" {
		t.Errorf("got %v", err)
	}
}
