package harness

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// progress is where lines about what takes time go. Standard error when it is a terminal; else the controlling
// terminal, because go test holds a test binary's output back until it ends; else standard error after all, where CI
// keeps it with the rest.
var progress = sync.OnceValue(func() io.Writer {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return os.Stderr
	}
	if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		return tty
	}
	return os.Stderr
})

// Logf writes one line about what the harness is doing.
func Logf(format string, args ...any) {
	fmt.Fprintf(progress(), "ktcp: "+format+"\n", args...)
}
