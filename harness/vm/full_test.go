package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
)

// asksForFullDisk is what helperVariable holds to turn this test binary into one that has a cache on a full disk.
const asksForFullDisk = "full-disk"

// fullDisk mounts a small file system, which its own mount namespace allows, and asks for a clone with the cache there.
func fullDisk() error {
	s, err := provision()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ktcp-full-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := unix.Mount("ktcp", dir, "tmpfs", 0, "size=8m"); err != nil {
		return fmt.Errorf("%w: mount: %w", errors.ErrUnsupported, err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	if s.Cache, err = cache.OpenAt(dir); err != nil {
		return err
	}
	g, err := Clone(context.Background(), s)
	if err == nil {
		return errors.Join(g.Close(), errors.New("a template fit on the disk"))
	}
	if !errors.Is(err, cache.ErrUnusable) {
		return fmt.Errorf("error %w, want cache.ErrUnusable", err)
	}
	fmt.Println(err)
	return nil
}

// TestFullCache makes a template on a file system that has no room for it.
func TestFullCache(t *testing.T) {
	stock(t) // so that the helper finds everything provisioned
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+asksForFullDisk)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || strings.Contains(string(out), errors.ErrUnsupported.Error())) {
		t.Skipf("this host lets nobody mount a small file system: %v %s", err, out)
	}
	if err != nil || !strings.Contains(string(out), "is full") {
		t.Errorf("%v, want an error that the cache is full:\n%s", err, out)
	}
}
