package vm

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helperVariable turns this test binary into another process that a test needs.
const helperVariable = "KTCP_VM_TEST_HELPER"

// asksForVictim is what it holds for TestNoQEMUSurvives.
const asksForVictim = "victim"

func TestMain(m *testing.M) {
	switch os.Getenv(helperVariable) {
	case "":
		os.Exit(m.Run())
	case asksForVictim:
		victim()
	}
}

// victim clones a guest, says so, and waits to be killed. It does so on a thread that is gone by then: the thread that asks for
// a guest must not be the one on whose life the guest depends.
func victim() {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		s, err := provision()
		if err == nil {
			_, err = Clone(context.Background(), s)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

// TestNoQEMUSurvives kills a process that has a guest, in the way that leaves it no chance to clean up, and waits for QEMU's
// end.
func TestNoQEMUSurvives(t *testing.T) {
	clone(t, stock(t)).Close() // so that the victim finds a template
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+asksForVictim)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		_ = cmd.Process.Kill()
		t.Fatalf("victim says %q, %v", line, cmd.Wait())
	}
	guests := children(t, cmd.Process.Pid)
	if err != nil || len(guests) == 0 {
		_ = cmd.Process.Kill()
		t.Fatalf("victim has no QEMU: %v, %v", err, cmd.Wait())
	}
	var fds []unix.PollFd
	for _, pid := range guests {
		if !strings.Contains(commandLine(pid), qemuCommand) {
			t.Errorf("process %d is no QEMU: %s", pid, commandLine(pid))
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	const patience = 10 * time.Second
	for i := range fds {
		if n, err := unix.Poll(fds[i:i+1], int(patience.Milliseconds())); err != nil || n != 1 {
			t.Errorf("QEMU %d survives its owner: %v", guests[i], err)
			_ = unix.Kill(guests[i], unix.SIGKILL)
		}
	}
}
