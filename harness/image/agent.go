package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"ktcp/harness/cache"
)

// modulePath is the Go module that holds the agent.
const modulePath = "ktcp"

// sourceRoot returns the directory of this very Go module. The place that the compiler recorded for this file is tried first: it is
// right wherever the program was started. A build with -trimpath has none, so the working directory and its parents
// come next.
func sourceRoot() (string, error) {
	var starts []string
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		starts = append(starts, filepath.Dir(file))
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			if isRoot(dir) {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("%w: run ktcp inside its source tree", ErrNoSource)
}

// isRoot reports whether dir holds the module and the agent.
func isRoot(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	if strings.TrimSpace(first) != "module "+modulePath {
		return false
	}
	_, err = os.Stat(filepath.Join(dir, "guest", "main.go"))
	return err == nil
}

// agentKey returns a digest of everything that the agent's bytes depend on, without asking the go command.
func agentKey(root string) (string, error) {
	sources, err := cache.TreeKey(filepath.Join(root, "guest"), func(rel string, d fs.DirEntry) bool {
		if d.IsDir() {
			return d.Name() != "testdata"
		}
		return strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go")
	})
	if err != nil {
		return "", err
	}
	deps, err := cache.FileKey(filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"))
	if err != nil {
		return "", fmt.Errorf("digest of the agent's dependencies: %w", err)
	}
	return cache.Key(sources, deps, runtime.Version(), strings.Join(buildArgs(""), " "), strings.Join(buildEnv, " ")), nil
}

// buildEnv makes the agent static and independent of the user's settings.
var buildEnv = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOWORK=off", "GOFLAGS=-mod=readonly"}

// buildArgs is the go command's argument list for an agent at out.
func buildArgs(out string) []string {
	return []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", out, "./guest"}
}

// killDelay is how long a go command that was told to stop may take before it is killed.
const killDelay = 2 * time.Second

// buildAgent compiles guest/ below root to out.
func buildAgent(ctx context.Context, root, out string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("%w: it builds the guest agent (install Go, or put it on PATH)", ErrNoGo)
	}
	cmd := exec.CommandContext(ctx, tool, buildArgs(out)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), buildEnv...)
	// A group of its own, so that the compilers that go starts end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killDelay
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("build the guest agent: %w", ctx.Err())
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &BuildError{Err: err, Output: strings.TrimSpace(string(output))}
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", tool, err)
	}
	return nil
}
