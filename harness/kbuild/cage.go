package kbuild

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cageName is the name under which this very program is started again inside of namespaces of its own: it then only shuts the
// door behind itself and becomes the program that it is to run.
const cageName = "ktcp-cage"

// cageFailed is the exit code of a cage whose door does not shut.
const cageFailed = 125

// The namespaces of a cage: no network, no other processes, mounts of its own; the first makes that possible without root.
const cageNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC

func init() {
	if len(os.Args) < 5 || os.Args[0] != cageName {
		return
	}
	// What is set below belongs to a thread, and so does exec.
	runtime.LockOSThread()
	err := enterCage(os.Args[1], os.Args[2], filepath.SplitList(os.Args[3]))
	if err == nil {
		err = syscall.Exec(os.Args[4], os.Args[4:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "ktcp: isolate the build:", err)
	os.Exit(cageFailed)
}

// cage lets a command run where it can write below one directory only, and to a /tmp of its own, and reach neither the
// network nor other processes. Of directories that are hidden it sees what it needs.
func cage(cmd *exec.Cmd, writable string, needs ...string) {
	cmd.Args = append([]string{cageName, writable, cmd.Dir, strings.Join(needs, string(filepath.ListSeparator)), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/proc/self/exe"
	attr := cmd.SysProcAttr
	attr.Cloneflags = cageNamespaces
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	// The first process of a process namespace ignores SIGTERM unless it wants to know; with it all others end.
	attr.Pdeathsig = syscall.SIGKILL
}

// devices are those that a build sees.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// deviceLinks are what shells look for beside them.
var deviceLinks = map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}

// enterCage runs inside the new namespaces.
func enterCage(writable, dir string, needs []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	// Sockets of daemons lie in /run: what listens on them would do for the build what it must not do itself. Make's
	// own temporary files lie in /tmp, whatever TMPDIR says.
	const temporary = "/tmp"
	for _, dir := range []string{"/run", temporary} {
		if err := hide(dir, append(needs, writable)); err != nil {
			return err
		}
	}
	// A device is written to whatever its mount says: root's own disk, a terminal.
	if err := hide("/dev", devices); err != nil {
		return err
	}
	for name, target := range deviceLinks {
		if err := os.Symlink(target, filepath.Join("/dev", name)); err != nil {
			return fmt.Errorf("link /dev/%s: %w", name, err)
		}
	}
	if err := unix.Mount(writable, writable, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", writable, err)
	}
	// Where a container forbids it, the outer /proc stays: it says more than it should, and allows nothing.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, readOnly); err != nil {
		return fmt.Errorf("make the file system read-only: %w", err)
	}
	for _, path := range []string{temporary, writable} {
		if err := unix.MountSetattr(unix.AT_FDCWD, path, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}); err != nil {
			return fmt.Errorf("make %s writable: %w", path, err)
		}
	}
	// Again, by its name: the old working directory is below the new mount.
	if err := os.Chdir(dir); err != nil {
		return err
	}
	return dropPrivileges()
}

// hide puts an empty directory over one, in which only the directories and files that are needed show through.
func hide(dir string, needs []string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	kept := map[string]*os.File{}
	for _, path := range needs {
		if rel, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(rel) {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue // a directory of PATH that is not there
		}
		defer f.Close()
		kept[path] = f
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=256m,mode=0755"); err != nil {
		return fmt.Errorf("hide %s: %w", dir, err)
	}
	// In order, so that what lies inside of another comes after it.
	for _, path := range slices.Sorted(maps.Keys(kept)) {
		if err := makeLike(path, kept[path]); err != nil {
			return err
		}
		if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", kept[path].Fd()), path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("keep %s: %w", path, err)
		}
	}
	return nil
}

// makeLike makes a directory, or an empty file, for f to be mounted on.
func makeLike(path string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

// maxFile is how large a file may become that a build writes, in bytes. What is larger is no object, and fills the disk.
const maxFile = 1 << 30

// dropPrivileges gives up, for good, what could undo the mounts.
func dropPrivileges() error {
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) && c > 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: maxFile, Max: maxFile}); err != nil {
		return fmt.Errorf("bound the size of files: %w", err)
	}
	return forbidCalls()
}

// cageDeadline bounds the trial of a cage.
const cageDeadline = 10 * time.Second

// Isolation returns nil where builds of other people's modules can be kept away from the network and from all files but
// their own copy. The error is [ErrNoCage], with the reason, where the machine does not allow that, and another where that could not be
// found out.
var Isolation = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "ktcp-cage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), cageDeadline)
	defer cancel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	cmd := command(ctx, dir, nil, shell, "-c", "echo > inside && ! (echo > /var/tmp/ktcp-cage-outside) 2> /dev/null")
	cage(cmd, dir)
	// The death signal is sent when the thread ends that started the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("lock up a trial: not done within %v", cageDeadline)
	case errors.As(err, &exit), refused(err):
		return fmt.Errorf("%w: namespaces: %w %s", ErrNoCage, err, strings.TrimSpace(string(out)))
	}
	return fmt.Errorf("lock up a trial: %w", err)
})

// refused tells that the kernel makes no namespaces for this user, or has no more of them.
func refused(err error) bool {
	for _, errno := range []syscall.Errno{unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EINVAL, unix.ENOSPC, unix.EUSERS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// locksUp reports whether foreign builds are locked up. The error is that it could not be found out: then nothing of a stranger's is run.
func locksUp() (bool, error) {
	err := Isolation()
	if errors.Is(err, ErrNoCage) {
		return false, nil
	}
	return err == nil, err
}
