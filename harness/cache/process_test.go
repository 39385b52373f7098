package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Environment of a copy of this test binary that plays another process.
const (
	roleVariable = "KTCP_TEST_ROLE"
	rootVariable = "KTCP_TEST_ROOT"
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role, os.Getenv(rootVariable)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// play is what another process does. It says "ready" when it holds what it was to take, and keeps it until its
// standard input ends.
func play(role, root string) error {
	d, err := OpenAt(root)
	if err != nil {
		return err
	}
	hold := func() {
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	}
	switch role {
	case "build": // as many at once as it likes
		_, err := d.Entry(context.Background(), "kind", "key", func(ctx context.Context, tmp string) error {
			log, err := os.OpenFile(filepath.Join(root, "builders"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			if err != nil {
				return err
			}
			defer log.Close()
			fmt.Fprintln(log, os.Getpid())
			return content("by another process")(ctx, tmp)
		})
		return err
	case "build and hold":
		_, err := d.Entry(context.Background(), "kind", "key", func(ctx context.Context, tmp string) error {
			if err := content("half")(ctx, tmp); err != nil {
				return err
			}
			hold()
			return nil
		})
		return err
	case "scratch":
		path, release, err := d.Scratch("guest")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(path, "memory"), nil, 0o600); err != nil {
			return err
		}
		hold()
		return release()
	}
	return fmt.Errorf("no such role: %s", role)
}

// process is a copy of this test binary in some role.
type process struct {
	*exec.Cmd
	stop func() error // closes its standard input
}

// start starts a process and waits until it is ready.
func start(tb testing.TB, role, root string) *process {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, rootVariable+"="+root)
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		tb.Fatalf("process %q said %q (%v)", role, line, err)
	}
	return &process{Cmd: cmd, stop: in.Close}
}

// kill kills it with SIGKILL.
func (p *process) kill(tb testing.TB) {
	tb.Helper()
	if err := p.Process.Kill(); err != nil {
		tb.Fatal(err)
	}
	_ = p.Wait()
}

func TestEntryAmongProcesses(t *testing.T) {
	root := t.TempDir()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), roleVariable+"=build", rootVariable+"="+root)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("process: %v: %s", err, out)
			}
		})
	}
	wg.Wait()
	wantContent(t, filepath.Join(root, "kind/key"), "by another process")
	if log, err := os.ReadFile(filepath.Join(root, "builders")); err != nil || strings.Count(string(log), "\n") != 1 {
		t.Errorf("builders: %q (%v), want one", log, err)
	}
}

func TestEntryBuilderKilled(t *testing.T) {
	root := t.TempDir()
	d, err := OpenAt(root)
	if err != nil {
		t.Fatal(err)
	}
	builder := start(t, "build and hold", root)
	if _, err := os.Stat(filepath.Join(root, "kind/key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the entry is there before it is complete: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := d.Entry(t.Context(), "kind", "key", content("whole"))
		done <- err
	}()
	builder.kill(t)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantContent(t, filepath.Join(root, "kind/key"), "whole")
	if left := names(t, filepath.Join(root, "kind")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestScratch(t *testing.T) {
	d := open(t)
	base := filepath.Join(d.Root(), "scratch")
	mine, release, err := d.Scratch("guest")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(mine); err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(mine) != base {
		t.Errorf("scratch %s: %v, %v", mine, info, err)
	}
	alive, killed := start(t, "scratch", d.Root()), start(t, "scratch", d.Root())
	if n := len(names(t, base)); n != 6 { // three directories with their locks
		t.Errorf("%d names in %s", n, base)
	}
	killed.kill(t)
	// The next one sweeps, and touches neither what another process nor what this one uses.
	_, releaseNext, err := d.Scratch("guest")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(names(t, base)); n != 6 {
		t.Errorf("after a kill and a sweep there are %v", names(t, base))
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("swept under its owner: %v", err)
	}
	if err := alive.stop(); err != nil {
		t.Fatal(err)
	}
	if err := alive.Wait(); err != nil {
		t.Errorf("the other process lost its directory: %v", err)
	}
	if err := errors.Join(release(), releaseNext()); err != nil {
		t.Error(err)
	}
	if left := names(t, base); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestScratchLockWithoutDirectory(t *testing.T) {
	d := open(t)
	// Its owner was killed between the two steps.
	lock := filepath.Join(d.Root(), "scratch/guest-1.lock")
	if err := errors.Join(os.MkdirAll(filepath.Dir(lock), 0o700), os.WriteFile(lock, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, release, err := d.Scratch("guest")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := release(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := os.Stat(lock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

// Owners come and go while others sweep: nobody loses his directory, and nothing stays.
func TestScratchContended(t *testing.T) {
	root := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			d, err := OpenAt(root)
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				path, release, err := d.Scratch("guest")
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(path, "memory"), nil, 0o600); err != nil {
					t.Errorf("swept under its owner: %v", err)
				}
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left := names(t, filepath.Join(root, "scratch")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}
