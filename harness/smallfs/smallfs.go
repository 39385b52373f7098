// Package smallfs mounts small file systems, for tests of what happens when there is no more room.
//
// Its contract: a test that needs one runs, by the first of these that the machine allows: as it is, for root; in namespaces of its
// own; with sudo, where that asks for no password, and for the mount alone. Where none is allowed the test fails, and says what would do.
package smallfs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is set in a process that has namespaces of its own.
const inside = "KTCP_SMALLFS"

// Run runs a test that mounts: here where this process may, otherwise in a process of the test's own, whose words are told when it
// fails.
func Run(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if mayMount() || !mayUnshare() {
		test(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+regexp.QuoteMeta(t.Name())+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("in namespaces of its own: %v\n%s", err, out)
	}
}

// mayMount reports whether this process has CAP_SYS_ADMIN.
func mayMount() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// mayUnshare reports whether anybody may have namespaces here in which to mount. Ubuntu lets everybody have them, and do nothing there.
func mayUnshare() bool {
	return os.Getenv(inside) == "" && exec.CommandContext(context.Background(), "unshare", "-Urm", "mount", "-t", "tmpfs", "ktcp", os.TempDir()).Run() == nil
}

// Mount mounts a file system with these options of tmpfs, as "size=64k", for as long as the test runs, and returns where.
func Mount(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	unmount := func() error { return unix.Unmount(dir, 0) }
	if err := unix.Mount("ktcp", dir, "tmpfs", 0, options); err != nil {
		ours := fmt.Sprintf("%s,uid=%d,gid=%d,mode=700", options, os.Getuid(), os.Getgid())
		if out, sudoErr := exec.CommandContext(t.Context(), "sudo", "-n", "mount", "-t", "tmpfs", "-o", ours, "ktcp", dir).CombinedOutput(); sudoErr != nil {
			t.Fatalf("a small file system takes root, user namespaces in which anybody may mount (sudo sysctl "+
				"kernel.apparmor_restrict_unprivileged_userns=0), or sudo without a password: %v; %v %s", err, sudoErr, out)
		}
		unmount = func() error { return exec.CommandContext(context.Background(), "sudo", "-n", "umount", dir).Run() }
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
