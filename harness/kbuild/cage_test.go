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
const hostileKbuild = `comma := ,
obj-m := hello.o
hello-y := main.o words.o
try = $(if $(filter done,$(shell ($(1)) >/dev/null 2>&1 && echo done)),$(info ESCAPED $(2)))
$(call try,echo x > %[1]s/outside,write)
$(call try,rm %[1]s/precious,remove)
$(call try,bash -c ': > /dev/tcp/127.0.0.1/%[2]d',connect)
$(call try,kill -0 %[3]d,signal)
$(call try,mount -o remount$(comma)bind$(comma)rw /,remount)
$(call try,umount -l %[1]s || mount -t tmpfs none /mnt,mount)
$(call try,test -n "$$(ls /run)",run)
$(call try,perl -MSocket -e 'socket(S$(comma)AF_UNIX$(comma)SOCK_STREAM$(comma)0) && connect(S$(comma)sockaddr_un("%[1]s/daemon")) or exit 1',socket)
$(call try,test -e /dev/tty,terminal)
$(call try,truncate -s 2G $(M)/huge && rm $(M)/huge,size)
$(shell echo inside > $(src)/inside || echo x > inside)
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
	daemon, err := net.Listen("unix", filepath.Join(outside, "daemon"))
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
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
	for _, way := range []string{"write", "remove", "connect", "signal", "socket", "terminal", "size"} {
		if !strings.Contains(m.Log, "ESCAPED "+way) {
			t.Errorf("without a cage, %s fails too:\n%s", way, m.Log)
		}
	}
}

// What a makefile leaves in the copy, and beside it, is not followed by those who come after it, who are not locked up.
func TestForeignMakefileLeavesTraps(t *testing.T) {
	if err := Isolation(); err != nil {
		t.Logf("nothing is locked up here: %v", err)
	}
	k := provision(t, "")
	outside, c := t.TempDir(), openCache(t)
	precious := filepath.Join(outside, "precious")
	write(t, precious, "x")
	source := copySource(t, "hello")
	header := filepath.Join(source, "sub", "extra.h")
	if err := os.Mkdir(filepath.Dir(header), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(source, "Kbuild"), fmt.Sprintf(`obj-m := hello.o
hello-y := main.o words.o
$(shell ln -sf %[1]s/precious $(M)/../intact; rm -rf $(M)/sub; ln -s %[1]s $(M)/sub)
`, outside))
	for _, text := range []string{"/* one */", "/* two */"} {
		write(t, header, text)
		mustBuild(t, Spec{Dir: source, Kernel: k, Cache: c, Foreign: true})
	}
	if got := string(read(t, precious)); got != "x" {
		t.Errorf("a file outside holds %q, want what it held", got)
	}
	if _, err := os.Stat(filepath.Join(outside, "extra.h")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a source was copied to where a link led: %v", err)
	}
}

// A makefile that says more than anybody reads, and makes what nobody loads.
func TestForeignBuildWithoutEnd(t *testing.T) {
	k := fakeKernel(t)
	source := copySource(t, "hello")
	write(t, filepath.Join(source, "Kbuild"), "obj-m := hello.o\nhello-y := main.o words.o\n$(shell yes | head -c 20000000 >&2)\n")
	m := mustBuild(t, Spec{Dir: source, Kernel: k, Cache: openCache(t), Foreign: true})
	if most := mostOutput + lastOutput + 1000; len(m.Log) > most || !strings.Contains(m.Log, "bytes of output were left out here") {
		t.Errorf("%d bytes of 20,000,000 were kept, want %d at most and the rest counted", len(m.Log), most)
	}
	write(t, filepath.Join(source, "Kbuild"), fmt.Sprintf("obj-m := hello.o\nhello-y := main.o words.o\n$(shell truncate -s %d $(M)/second.ko)\n", maxModule+1))
	if _, err := Build(t.Context(), Spec{Dir: source, Kernel: k, Cache: openCache(t), Foreign: true}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a module that is larger than any: %v, want %v", err, ErrTooLarge)
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
