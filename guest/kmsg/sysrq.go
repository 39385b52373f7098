package kmsg

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// trigger takes magic SysRq keys.
const trigger = "/proc/sysrq-trigger"

// Sysrq presses a magic SysRq key. What the kernel has to say about it is in the log when this returns.
func Sysrq(req wire.SysrqRequest) (wire.None, error) {
	if len(req.Key) != 1 {
		return wire.None{}, fmt.Errorf("sysrq %q: one key is wanted: %w", req.Key, unix.EINVAL)
	}
	fd, err := unix.Open(trigger, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return wire.None{}, fmt.Errorf("open %s: %w", trigger, err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(req.Key)); err != nil {
		return wire.None{}, fmt.Errorf("sysrq %s: %w", req.Key, err)
	}
	return wire.None{}, nil
}
