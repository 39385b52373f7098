package idle

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary is also the process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Name {
		fmt.Fprintln(os.Stderr, Main())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// state is the scheduler's letter for the first child of this process: R runs, S sleeps.
func state(t *testing.T, pid string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}

func TestSleepsWhileRequestsAreServed(t *testing.T) {
	p, err := start("/proc/self/exe", []string{"idle.test", Name})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	var pid string
	if fields := strings.Fields(string(text)); len(fields) > 0 {
		pid = fields[0]
	} else { // the thread that forked need not be the first
		tasks, _ := os.ReadDir("/proc/self/task")
		for _, task := range tasks {
			text, err = os.ReadFile("/proc/self/task/" + task.Name() + "/children")
			if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
				pid = fields[0]
			}
		}
	}
	if pid == "" {
		t.Fatalf("no child process: %v", err)
	}
	t.Cleanup(func() {
		var number int
		_, _ = fmt.Sscan(pid, &number)
		_ = unix.Kill(number, unix.SIGKILL)
		_, _ = unix.Wait4(number, nil, 0, nil)
	})
	becomes := func(want string) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for state(t, pid) != want {
			if time.Now().After(deadline) {
				t.Fatalf("state %s, want %s", state(t, pid), want)
			}
		}
	}
	becomes("R")
	p.Begin()
	p.Begin()
	becomes("S")
	p.End()
	if got := state(t, pid); got != "S" {
		t.Errorf("state %s while a request is still served", got)
	}
	p.End()
	becomes("R")

	var none *Process
	none.Begin()
	none.End()
}
