package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestMonitor(t *testing.T) {
	pid := os.Getpid()
	for _, tt := range []struct {
		name    string
		threads []int
		want    int // 0: an error
	}{
		{"among others", []int{pid, pid + 3, pid + 1, pid + 2}, pid + 1},
		{"alone", []int{pid, pid + 9}, pid + 9},
		{"none", []int{pid}, 0},
	} {
		dir := t.TempDir()
		for _, tid := range tt.threads {
			if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(tid)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := monitor(dir); got != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("%s: thread %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
	if _, err := monitor(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("threads of nobody: no error")
	}
}

func TestQuietRuntime(t *testing.T) {
	t.Setenv("GOMAXPROCS", "3")
	if err := quietRuntime(); err != nil {
		t.Fatal(err)
	}
	if v, ok := os.LookupEnv("GOMAXPROCS"); ok {
		t.Errorf("programs would be started with GOMAXPROCS=%s", v)
	}
	tid, err := monitor("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(tid), "timerslack_ns"))
	if want := strconv.Itoa(monitorSlack); err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("slack of the monitor: %q ns, %v, want %s", got, err, want)
	}
}
