package twin

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

// defaultPort is that of the program that the module was once compared with.
const defaultPort = "12345"

// Main runs the program with the arguments after its name, and returns its exit code.
func Main(args []string) int {
	switch len(args) {
	case 0:
		args = []string{defaultPort}
	case 1:
	default:
		fmt.Fprintln(os.Stderr, "usage: user-echo-server [PORT]")
		return 2
	}
	port, err := strconv.ParseUint(args[0], 10, 16)
	if err != nil || port == 0 {
		fmt.Fprintf(os.Stderr, "user-echo-server: port %q: expected a number from 1 to 65535\n", args[0])
		return 2
	}
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(64 << 20)
	s, err := Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)))
	if err == nil {
		err = s.Run()
	}
	fmt.Fprintln(os.Stderr, "user-echo-server:", err)
	return 1
}
