package boot

import (
	"errors"
	"fmt"
	"os"

	"github.com/u-root/u-root/pkg/mount"
	"golang.org/x/sys/unix"
)

// fileSystem is one mount of the guest.
type fileSystem struct {
	kind, path, data string
	optional         bool // a kernel may be built without it
}

// fileSystems stand in the order in which they are mounted: a later one may lie in an earlier one.
var fileSystems = []fileSystem{
	{kind: "proc", path: "/proc"},
	{kind: "sysfs", path: "/sys"},
	{kind: "devtmpfs", path: "/dev"},
	{kind: "tmpfs", path: "/run", data: "mode=0755"},
	{kind: "tmpfs", path: "/tmp", data: "mode=1777"},
	{kind: "debugfs", path: "/sys/kernel/debug", optional: true},
	{kind: "tracefs", path: "/sys/kernel/tracing", optional: true},
}

// mountAll mounts every file system. EBUSY means that the kernel mounted it already, as it does with devtmpfs where
// it was configured to.
func mountAll() error {
	for _, f := range fileSystems {
		_, err := mount.Mount(f.kind, f.path, f.kind, f.data, 0, func() error {
			if f.optional {
				return nil // its mount point is made by the kernel, or the kernel has no such thing
			}
			return os.MkdirAll(f.path, 0o755)
		})
		absent := errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)
		if err != nil && !errors.Is(err, unix.EBUSY) && !(f.optional && absent) {
			return fmt.Errorf("mount %s on %s: %w", f.kind, f.path, err)
		}
	}
	return nil
}
