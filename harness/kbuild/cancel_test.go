package kbuild

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
	"ktcp/harness/smallfs"
)

// patience is how long a test waits for what happens at once.
const patience = 30 * time.Second

// ownerVariable makes a copy of this test binary build what is in a directory.
const ownerVariable = "KTCP_TEST_BUILD"

// fifo makes a named pipe through which a build reports a process.
func fifo(tb testing.TB) *os.File {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		tb.Fatal(err)
	}
	// For writing too, so that opening waits for nobody.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f
}

// reported waits for a process number on a pipe, and returns a descriptor of that process. A negative one means that it is
// gone already.
func reported(tb testing.TB, pipe *os.File) int {
	tb.Helper()
	if err := pipe.SetReadDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	text, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil {
		tb.Fatalf("the build reported %q: %v", text, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		tb.Fatal(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, syscall.ESRCH) {
		return -1
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(fd) })
	return fd
}

// wantEnd fails the test unless the process ends.
func wantEnd(tb testing.TB, fd int) {
	tb.Helper()
	if fd < 0 {
		return
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds())); err != nil || n == 0 {
		tb.Errorf("a process of the build still runs after %v (%v)", patience, err)
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

func TestBuildCancelled(t *testing.T) {
	k := fakeKernel(t)
	pipe := fifo(t)
	source := copySource(t, "hello")
	write(t, filepath.Join(source, "Kbuild"), "obj-m := hello.o\n$(shell sh -c 'echo $$$$ > "+pipe.Name()+"; exec sleep 1000')\n")
	c := openCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Build(ctx, Spec{Dir: source, Kernel: k, Cache: c})
		done <- err
	}()
	sleeper := reported(t, pipe)
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled build: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the build goes on after its context has ended")
	}
	wantEnd(t, sleeper)
	for _, kind := range []string{cacheKind, workshopKind} {
		if left, _ := os.ReadDir(filepath.Join(c.Root(), kind)); len(left) > 0 {
			t.Errorf("left behind in %s: %v", kind, left)
		}
	}
}

func TestBuildLeavesNoProcess(t *testing.T) {
	k := fakeKernel(t)
	pipe := fifo(t)
	source := copySource(t, "hello")
	write(t, filepath.Join(source, "Kbuild"), "obj-m := hello.o\nhello-y := main.o words.o\n"+
		"$(shell sh -c 'sleep 1000 >/dev/null 2>&1 & echo $$! > "+pipe.Name()+"')\n")
	done := make(chan error, 1)
	go func() {
		_, err := Build(context.Background(), Spec{Dir: source, Kernel: k, Cache: openCache(t)})
		done <- err
	}()
	sleeper := reported(t, pipe)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantEnd(t, sleeper)
}

func TestBuildOwnerKilled(t *testing.T) {
	if dir := os.Getenv(ownerVariable); dir != "" {
		c, err := cache.OpenAt(filepath.Join(dir, "cache"))
		if err != nil {
			t.Fatal(err)
		}
		k := fakeKernel(t)
		k.Build = filepath.Join(dir, "kernel")
		_, err = Build(t.Context(), Spec{Dir: filepath.Join(dir, "module"), Kernel: k, Cache: c})
		t.Fatalf("the build ended: %v", err)
	}
	dir := t.TempDir()
	pipe := fifo(t)
	for _, from := range []struct{ from, to string }{{fakeKernel(t).Build, "kernel"}, {copySource(t, "hello"), "module"}} {
		if err := os.Rename(from.from, filepath.Join(dir, from.to)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "module/Kbuild"), "obj-m := hello.o\nhello-y := main.o words.o\n"+
		"$(M)/main.o: hang\nhang:\n\techo $$$$ > "+pipe.Name()+"; exec sleep 1000\n")
	owner := exec.Command(os.Args[0], "-test.run=^TestBuildOwnerKilled$")
	owner.Env = append(os.Environ(), ownerVariable+"="+dir, "TMPDIR="+t.TempDir()) // killed, it does not remove its own
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	sleeper := reported(t, pipe)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	wantEnd(t, sleeper)
}

func TestBuildAfterKill(t *testing.T) {
	k := fakeKernel(t)
	c := openCache(t)
	source := copySource(t, "hello")
	s := Spec{Dir: source, Kernel: k, Cache: c}
	first := mustBuild(t, s)
	// A builder that was killed: the mark is gone and an object is half-written, newer than its source.
	shops, err := filepath.Glob(filepath.Join(c.Root(), workshopKind, "*"))
	if err != nil || len(shops) != 1 {
		t.Fatalf("workshops %v, %v", shops, err)
	}
	if err := os.Remove(filepath.Join(shops[0], intactFile)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(shops[0], "src/words.o"), "half")
	if err := os.RemoveAll(filepath.Dir(filepath.Dir(first.KO))); err != nil {
		t.Fatal(err)
	}
	if again := mustBuild(t, s); string(read(t, again.KO)) == "" || len(compiled(again.Log)) < 2 {
		t.Errorf("after a kill it compiled only %v", compiled(again.Log))
	}
}

func TestBuildFullDisk(t *testing.T) {
	smallfs.Run(t, buildFullDisk)
}

func buildFullDisk(t *testing.T) {
	k := fakeKernel(t)
	failures := 0
	// Full while it copies, compiles, links, keeps: somewhere else each time.
	for size := 8; ; size += 4 {
		dir := smallfs.Mount(t, fmt.Sprintf("size=%dk", size))
		c, err := cache.OpenAt(dir)
		if err == nil {
			_, err = Build(t.Context(), Spec{Dir: "testdata/hello", Kernel: k, Cache: c})
		}
		if err == nil {
			break
		}
		failures++
		if !errors.Is(err, cache.ErrUnusable) || !strings.Contains(err.Error(), dir+" is full") || strings.Contains(err.Error(), "\n") {
			t.Errorf("cache of %d KiB: %v", size, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, cacheKind, "*")); left != nil {
			t.Errorf("cache of %d KiB: left behind %v", size, left)
		}
	}
	if failures < 3 {
		t.Errorf("only %d sizes were too small", failures)
	}
}
