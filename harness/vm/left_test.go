package vm

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ktcp/harness/cache"
)

// nothingLeft fails the test when this process has a QEMU or the cache a temporary file.
func nothingLeft(t *testing.T, c *cache.Dir) {
	t.Helper()
	for _, pid := range children(t, os.Getpid()) {
		t.Errorf("process %d is left: %s", pid, commandLine(pid))
	}
	for _, path := range temporary(t, c) {
		t.Errorf("%s is left", path)
	}
}

// temporary lists what a cache must not hold while nothing is being made.
func temporary(t *testing.T, c *cache.Dir) (found []string) {
	t.Helper()
	err := filepath.WalkDir(c.Root(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasPrefix(d.Name(), ".tmp-") || filepath.Base(filepath.Dir(path)) == "scratch") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// children lists the processes whose parent is parent.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		// The name is in parentheses and may hold anything.
		_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
		var state string
		var ppid int
		if _, err := fmt.Sscan(rest, &state, &ppid); err == nil && ppid == parent && state != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func commandLine(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(b), "\x00", " ")
}
