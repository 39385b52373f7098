package harness

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ktcp/harness/cache"
	"ktcp/harness/report"
)

// holdVariable makes TestHoldsAGuest hold one for ever: it is the child of the tests below.
const holdVariable = "KTCP_TEST_HOLD"

// TestHoldsAGuest is no test of its own but what the tests of interrupts run and interrupt.
func TestHoldsAGuest(t *testing.T) {
	if os.Getenv(holdVariable) == "" {
		return
	}
	g := Clone(t)
	g.Insmod("kweb")
	fmt.Println("holding a guest")
	select {}
}

// holdsAGuest starts a process that holds a guest, in a cache of its own, and returns it, its further output and its QEMUs.
func holdsAGuest(t *testing.T, env ...string) (child *exec.Cmd, lines *bufio.Scanner, guests []int, root string) {
	t.Helper()
	root = ownScratch(t)
	child = exec.Command(os.Args[0], "-test.run=^TestHoldsAGuest$", "-test.v")
	child.Env = append(os.Environ(), holdVariable+"=1", "KTCP_CACHE="+root,
		"TMPDIR="+t.TempDir()) // interrupted, it does not remove what its tests made
	child.Env = append(child.Env, env...)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	lines = bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "holding a guest") {
			break
		}
	}
	if guests = descendants(t, child.Process.Pid, "qemu-system"); len(guests) == 0 {
		t.Fatal("the child holds no QEMU")
	}
	return child, lines, guests, root
}

// Whoever started the run may be killed, and then cannot end it: its scenarios see that themselves.
func TestEndOfTheOwnerLeavesNothingBehind(t *testing.T) {
	owner := exec.Command("sleep", "infinity")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	child, lines, guests, root := holdsAGuest(t, fmt.Sprintf("%s=%d", report.OwnerVariable, owner.Process.Pid))
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed, and says so
	for lines.Scan() {
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != 128+int(syscall.SIGTERM) {
		t.Errorf("the scenarios' process ended with %v, want exit code %d", err, 128+int(syscall.SIGTERM))
	}
	for _, pid := range guests {
		awaitEnd(t, pid)
	}
	if left := entries(t, filepath.Join(root, "scratch")); len(left) > 0 {
		t.Errorf("temporary files left behind: %q", left)
	}
}

func TestInterruptLeavesNothingBehind(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			child, lines, guests, root := holdsAGuest(t)
			if err := child.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() { // to the end of its output, so that Wait may close it
			}
			if err := child.Wait(); err == nil {
				t.Error("the child ended with success")
			}
			if code := child.ProcessState.ExitCode(); signal != syscall.SIGKILL && code != 128+int(signal) {
				t.Errorf("exit code %d, want %d", code, 128+int(signal))
			}
			for _, pid := range guests {
				awaitEnd(t, pid)
			}
			if signal == syscall.SIGKILL {
				return // the next run sweeps its files: see package cache
			}
			if left := entries(t, filepath.Join(root, "scratch")); len(left) > 0 {
				t.Errorf("temporary files left behind: %q", left)
			}
		})
	}
}

// descendants returns the processes below pid whose command line holds name.
func descendants(t *testing.T, pid int, name string) (found []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(text)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err != nil {
				t.Fatal(err)
			}
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			if strings.Contains(string(cmdline), name) {
				found = append(found, child)
			}
			found = append(found, descendants(t, child, name)...)
		}
	}
	return found
}

// ownScratch makes a cache that is the user's in all but the temporary files, so that those of others who run at the same
// time are not taken for what was left behind.
func ownScratch(t *testing.T) (root string) {
	t.Helper()
	users, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	for _, name := range entries(t, users.Root()) {
		if name == "scratch" || strings.HasPrefix(name, ".") {
			continue
		}
		if err := os.Symlink(filepath.Join(users.Root(), name), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// entries lists a directory, which need not exist.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// awaitEnd fails the test unless the process ends soon.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	ended := func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	}
	if err := await(10*time.Second, func() (bool, error) { return ended(), nil }); err != nil {
		t.Fatal(err)
	}
	if !ended() {
		t.Errorf("QEMU %d still runs", pid)
	}
}
