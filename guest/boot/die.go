package boot

import (
	"fmt"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// Prefix begins the last line of an agent that gives up. The host looks for it on the console.
const Prefix = "ktcp-agent: "

// tcsbrkDrain asks TCSBRK to wait until the terminal has sent everything, instead of sending a break.
const tcsbrkDrain = 1

// Die prints err on the console in one line and powers the guest off. It never returns: without PID 1 the kernel
// would panic, which would hide the reason.
func Die(err error) {
	line := Prefix + strings.ReplaceAll(err.Error(), "\n", " | ") + "\n"
	// The console may be in the middle of a line of the kernel's.
	_, _ = unix.Write(unix.Stderr, []byte("\n"+line))
	_ = unix.IoctlSetInt(unix.Stderr, unix.TCSBRK, tcsbrkDrain)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // of a kernel that knows no way to power off
	for {
		_ = unix.Pause()
	}
}

// DieOnPanic is deferred: it turns a panic into the end of the guest with the panic's stack on the console.
func DieOnPanic() {
	if p := recover(); p != nil {
		_, _ = unix.Write(unix.Stderr, debug.Stack())
		Die(fmt.Errorf("panic: %v", p))
	}
}
