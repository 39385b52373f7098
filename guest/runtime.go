package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// godebug keeps the Go runtime from things that take time in a guest that has just been restored: interrupting a
// goroutine that runs for longer than 10 ms, as any does there, and looking for a change in the number of CPUs.
const godebug = "asyncpreemptoff=1,updatemaxprocs=0,containermaxprocs=0"

// setRuntime starts the program anew with these settings, since the runtime reads them before main.
func setRuntime() {
	if os.Getpid() != 1 || os.Getenv("GODEBUG") != "" {
		return
	}
	// Where it fails the agent works all the same.
	_ = unix.Exec(os.Args[0], os.Args, append(os.Environ(), "GODEBUG="+godebug))
}
