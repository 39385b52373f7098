package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"ktcp/guest/boot"
	"ktcp/guest/idle"
	"ktcp/guest/port"
	"ktcp/guest/serve"
	"ktcp/guest/twin"
	"ktcp/guest/wire"
)

// Memory: a clone lives for one scenario, so that collecting garbage early only costs time that a clone does not
// have. The collector starts when the heap comes near heapLimit.
const heapLimit = 128 << 20

func main() {
	if len(os.Args) > 1 && os.Getpid() != 1 {
		os.Exit(another(os.Args[1], os.Args[2:]))
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heapLimit)
	if err := run(); err != nil {
		boot.Die(err)
	}
	boot.Die(fmt.Errorf("the port %s was closed", wire.Port))
}

// run brings the guest up and serves requests. It returns only when that has become impossible.
func run() error {
	defer boot.DieOnPanic()
	// The thread that reads the port is this one for ever: no other is woken between a request and its answer.
	runtime.LockOSThread()
	if err := boot.Up(); err != nil {
		return err
	}
	if err := quietRuntime(); err != nil {
		return err
	}
	p, err := port.Open(wire.Port)
	if err != nil {
		return err
	}
	agent, err := newAgent()
	if err != nil {
		return err
	}
	spin, err := idle.Start()
	if err != nil {
		return err
	}
	if err := warmTCP(); err != nil {
		return err
	}
	server := serve.New(p, agent.table())
	server.Around(spin.Begin, spin.End)
	if err := warm(server); err != nil {
		return err
	}
	if err := server.Ready(wire.Ready{Version: wire.Version, Release: agent.clock.release}); err != nil {
		return err
	}
	return server.Run()
}

// warm has the server answer a Hello of its own: the kernel's random numbers count as initialized from then on, which
// it takes its time for, and are worthless until the host has sent a real seed.
func warm(s *serve.Server) error {
	body, err := json.Marshal(wire.HelloRequest{UnixNano: time.Now().UnixNano(), Seed: make([]byte, 32)})
	if err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return s.Warm(wire.Frame{ID: 1, Op: wire.Hello.Name, Body: body})
}

// another is what the agent's own file can be beside the agent.
func another(name string, args []string) int {
	switch name {
	case wire.EchoServer:
		return twin.Main(args)
	case idle.Name:
		fmt.Fprintln(os.Stderr, "idle:", idle.Main())
		return 1
	}
	fmt.Fprintf(os.Stderr, "%s: unknown program %q\n", os.Args[0], name)
	return 2
}
