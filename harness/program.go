package harness

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/cache"
	"ktcp/harness/peers"
)

// EchoTwin is the user-space twin of kecho, a [Guest.Program] that takes the port to listen on, or none for kecho's.
const EchoTwin = wire.EchoServer

const (
	// programPatience is how long, in guest time, a program may run.
	programPatience = time.Minute
	// programDeadline is its watchdog in wall time: on the clock of instructions a minute can take some.
	programDeadline = 15 * time.Minute
)

// Program is a program of the distribution, such as curl, that runs in the guest.
type Program struct {
	g     *Guest
	netns *Netns
	name  string
	path  string
}

// Output is how a program ended.
type Output struct {
	g       *Guest
	command string
	Stdout  string
	Stderr  string
	Exit    int           // -1 where a signal ended it
	Elapsed time.Duration // guest time
	CPU     time.Duration
}

// packs are the programs that this process has fetched.
var packs = struct {
	sync.Mutex
	known map[string]*peers.Pack
}{known: map[string]*peers.Pack{}}

// Program brings a program into the guest: curl, wget, nc, telnet, wrk, nginx, or [EchoTwin].
func (g *Guest) Program(name string) *Program {
	g.tb.Helper()
	p := &Program{g: g, netns: g.Init(), name: name, path: wire.AgentPath}
	if name == EchoTwin {
		return p
	}
	pack, err := g.fetch(name)
	if err != nil {
		g.tb.Fatal(explain(err))
	}
	g.madeOf[programInput+name] = identityOf(pack)
	p.path = pack.Path
	for _, f := range pack.Files {
		if g.holds(f.Path, f.Size) {
			continue
		}
		content, err := os.ReadFile(f.Source)
		if err != nil {
			g.tb.Fatalf("read a file of %s: %v", name, err)
		}
		g.Put(f.Path, 0o755, content)
	}
	return p
}

// fetch returns the pack of a program, once per process.
func (g *Guest) fetch(name string) (*peers.Pack, error) {
	packs.Lock()
	defer packs.Unlock()
	if p := packs.known[name]; p != nil {
		return p, nil
	}
	p, err := peers.Fetch(g.rig.ctx, peers.Spec{Cache: g.rig.cache, Logf: Logf}, name)
	if err == nil {
		packs.known[name] = p
	}
	return p, err
}

// identityOf tells packs apart by the packages that their files are from.
func identityOf(p *peers.Pack) string {
	var all []string
	for _, from := range p.Packages {
		all = append(all, from.Name, from.Version)
	}
	return cache.Key(all...)
}

// In returns the program as it runs in a namespace.
func (p *Program) In(n *Netns) *Program {
	in := *p
	in.netns = n
	return &in
}

func (p *Program) request(args []string) wire.ProgramRequest {
	return wire.ProgramRequest{
		Netns: p.netns.name, Path: p.path, Args: args, Env: []string{"PATH=/usr/bin", "HOME=/tmp", "LC_ALL=C"}, Dir: "/tmp",
	}
}

// Run runs the program to its end. What it exits with is the caller's to judge.
func (p *Program) Run(args ...string) *Output {
	p.g.tb.Helper()
	return p.Feed("", args...)
}

// Feed is Run with something to read from standard input.
func (p *Program) Feed(stdin string, args ...string) *Output {
	p.g.tb.Helper()
	return p.run(stdin, false, args)
}

// Type is Feed by somebody who, having typed, waits for what comes: the input does not end.
func (p *Program) Type(stdin string, args ...string) *Output {
	p.g.tb.Helper()
	return p.run(stdin, true, args)
}

func (p *Program) run(stdin string, hold bool, args []string) *Output {
	p.g.tb.Helper()
	if p.name == EchoTwin {
		args = append([]string{EchoTwin}, args...)
	}
	req := p.request(args)
	req.Stdin, req.Hold, req.Deadline = []byte(stdin), hold, programPatience
	answer, err := tryWithin(p.g, programDeadline, wire.ProgramRun, req)
	if err != nil {
		p.g.tb.Fatalf("%s: %v", p.name, err)
	}
	return p.output(args, answer)
}

func (p *Program) output(args []string, a wire.ProgramAnswer) *Output {
	p.g.tb.Helper()
	o := &Output{
		g: p.g, command: strings.Join(append([]string{p.name}, args...), " "),
		Stdout: string(a.Stdout), Stderr: string(a.Stderr), Exit: a.Exit, Elapsed: a.Elapsed, CPU: a.CPU,
	}
	if a.TimedOut {
		p.g.tb.Errorf("%s did not end by itself and was killed after %v; it said: %s", o.command, a.Elapsed, o.said())
	}
	return o
}

func (o *Output) said() string { return string(clip([]byte(strings.TrimSpace(o.Stderr + o.Stdout)))) }

// WantExit fails the test unless the program exited with this code.
func (o *Output) WantExit(want int) *Output {
	o.g.tb.Helper()
	if o.Exit != want {
		o.g.tb.Errorf("%s: exit code %d, want %d; it said: %s", o.command, o.Exit, want, o.said())
	}
	return o
}

// Background is a program that runs until it is stopped.
type Background struct {
	p    *Program
	args []string
	id   uint64
	PID  int
}

// Start starts the program in the background. It is killed with the scenario at the latest.
func (p *Program) Start(args ...string) *Background {
	p.g.tb.Helper()
	if p.name == EchoTwin {
		args = append([]string{EchoTwin}, args...)
	}
	answer := call(p.g, wire.ProgramStart, p.request(args))
	return &Background{p: p, args: args, id: answer.Program, PID: answer.PID}
}

// Stop tells the program to end, by SIGTERM, and returns how it did.
func (b *Background) Stop() *Output {
	g := b.p.g
	g.tb.Helper()
	answer := call(g, wire.ProgramStop, wire.ProgramStopRequest{Program: b.id, Signal: int(syscall.SIGTERM)})
	return b.p.output(b.args, answer)
}

// Put makes a file in the guest, with the directories above it. mode is as in stat(2): without a type it is a regular file.
func (g *Guest) Put(path string, mode uint32, content []byte) {
	g.tb.Helper()
	for first := true; first || len(content) > 0; first = false {
		part := content[:min(len(content), wire.PutChunk)]
		call(g, wire.Put, wire.PutRequest{Path: path, Mode: mode, Append: !first, Data: part})
		content = content[len(part):]
	}
}

// holds reports whether a file of a pack was put into this guest already, and notes that it now will be.
func (g *Guest) holds(path string, size int64) bool {
	key := fmt.Sprint(path, size)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.put[key] {
		return true
	}
	if g.put == nil {
		g.put = map[string]bool{}
	}
	g.put[key] = true
	return false
}
