// Package suite compiles the project's scenarios and runs some of them in a process of their own, for commands that have a use for a
// scenario outside of go test.
//
// Its contract: an interrupt reaches the process once, as a signal that it can act on, and the process ends with its parent, however
// that ends. What the scenarios found is in their records, not in what they print.
package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Compile compiles the scenarios of the project at root into the file binary.
func Compile(ctx context.Context, root, binary string) error {
	compile := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./scenarios")
	compile.Dir = root
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the scenarios: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Process is a run of compiled scenarios.
type Process struct {
	Root   string // the project's directory
	Binary string // as [Compile] made it
	Args   []string
	Env    []string // "NAME=value", beside this process's own
	Hear   func(out io.Reader)
}

// patience is how long, in wall time, the process may take to end after it was told to.
const patience = 10 * time.Second

// Run runs the process and has Hear read what it says, to the end. It is a process group of its own, so that an interrupt reaches it
// once, and it is told to end when this process dies.
func (p Process) Run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.Binary, p.Args...)
	cmd.Dir = filepath.Join(p.Root, "scenarios")
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = patience
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		p.Hear(out)
		_, _ = io.Copy(io.Discard, out) // who stops listening must not block the process
	}()
	// The death signal is sent when the thread ends that started the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := errors.Join(cmd.Run(), in.Close())
	<-heard
	return err
}
