package harness

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/kernel"
)

// StatusFile switches a module that serves per network namespace on and off.
const StatusFile = "/sys/kernel/webserver/net/data/status"

// UnloadDeadline is how long, in guest time, a module's exit may take.
const UnloadDeadline = 10 * time.Second

// debugFactor is how much longer that is on a kernel that checks all it does: freeing a module alone waits for several grace periods of
// RCU, each of which such a kernel takes seconds for on a busy host.
const debugFactor = 3

// unloadDeadline is UnloadDeadline on the guest's kernel.
func (g *Guest) unloadDeadline() time.Duration {
	if g.deadline > 0 {
		return g.deadline
	}
	if g.checksAll() {
		return debugFactor * UnloadDeadline
	}
	return UnloadDeadline
}

// checksAll tells of a kernel that checks all that it does: a flavor other than stock.
func (g *Guest) checksAll() bool { return g.rig.kernel.Flavor != kernel.Stock }

// fewer is how many times fewer of a thing that is to be many do on a kernel that checks all that it does: it finds in the first
// hundred what there is to find, and takes ten times as long for each.
const fewer = 10

// Many returns how many to make of a thing that is to be many, where a kernel that does nothing but its work can have n.
func (g *Guest) Many(n int) int {
	if g.checksAll() {
		return max(1, n/fewer)
	}
	return n
}

// Module is a module that is loaded in a guest.
type Module struct {
	g      *Guest
	Name   string
	params string
	loaded bool
}

// Insmod builds the module, if this very source was not built before, and loads it with parameters of the form "port=9999". What
// does not compile or load fails the test, with the compiler's or the kernel's own words.
func (g *Guest) Insmod(name string, params ...string) *Module {
	g.tb.Helper()
	m := &Module{g: g, Name: name, params: strings.Join(params, " ")}
	m.Reload()
	g.modules = append(g.modules, m)
	return m
}

// InsmodRefused fails the test unless loading the module with these parameters is refused with the given error, and leaves
// nothing loaded. It returns what the kernel log said meanwhile.
func (g *Guest) InsmodRefused(name string, want syscall.Errno, params ...string) string {
	g.tb.Helper()
	before := g.kernelLog(g.cursor)
	err := g.insmod(name, strings.Join(params, " "))
	said := g.saidSince(before.Next)
	switch {
	case err == nil:
		g.tb.Errorf("insmod %s %s succeeded, want %v", name, strings.Join(params, " "), want)
		call(g, wire.Rmmod, wire.RmmodRequest{Name: name, Deadline: g.unloadDeadline()})
	case !errors.Is(err, want):
		g.tb.Errorf("insmod %s %s: %v, want %v; the kernel said: %s", name, strings.Join(params, " "), err, want, said)
	}
	return said
}

// Reload loads a module again that was unloaded, with the same parameters.
func (m *Module) Reload() {
	m.g.tb.Helper()
	before := m.g.kernelLog(m.g.cursor)
	if err := m.g.insmod(m.Name, m.params); err != nil {
		said := m.g.saidSince(before.Next)
		if said == "" {
			said = "nothing"
		}
		m.g.tb.Fatalf("insmod %s %s: %v; the kernel said: %s", m.Name, m.params, err, said)
	}
	m.loaded = true
}

// insmod loads the module and remembers where its sections are: nothing else can name a line of it after unload.
func (g *Guest) insmod(name, params string) error {
	g.tb.Helper()
	built := g.build(name)
	if err := built.checkParameters(params); err != nil {
		g.tb.Fatal(err)
	}
	if err := g.noteFirstLoad(); err != nil {
		return err
	}
	answer, err := try(g, wire.Insmod, g.insmodRequest(built, params))
	if err != nil {
		g.refused[built.Name] = true
		return err
	}
	g.remember(built, answer)
	return nil
}

// insmodRequest asks for a module to be loaded into the initial namespace.
func (g *Guest) insmodRequest(b *built, params string) wire.InsmodRequest {
	return wire.InsmodRequest{Name: b.Name, Image: g.imageToSend(b), Params: params, Sections: b.sections}
}

// noteFirstLoad notes when the first module was about to be loaded. Only what is younger can be of a module, also of one that was
// then refused.
func (g *Guest) noteFirstLoad() error {
	if g.firstLoad != 0 {
		return nil
	}
	answer, err := try(g, wire.Hello, wire.HelloRequest{}) // neither time nor seed: it only looks
	g.firstLoad = answer.Uptime
	return err
}

// Rmmod unloads the module. One that is in use, or whose exit does not return in time, is a finding that
// says who blocks it and where.
func (m *Module) Rmmod() { m.g.tb.Helper(); m.RmmodWithin(m.g.unloadDeadline()) }

// RmmodWithin is Rmmod with a deadline of its own, in guest time, for a module that has much to clear away.
func (m *Module) RmmodWithin(deadline time.Duration) {
	m.g.tb.Helper()
	m.loaded = false // also where its exit crashes: then it is neither there nor gone, and is not to be asked for again
	answer := call(m.g, wire.Rmmod, wire.RmmodRequest{Name: m.Name, Deadline: deadline})
	if !answer.Done {
		m.g.rmmodFinding(m.Name, answer)
	}
}

// Enable starts the module's server in a namespace.
func (m *Module) Enable(n *Netns) { m.g.tb.Helper(); n.WriteFile(StatusFile, "1") }

// Disable stops the module's server in a namespace.
func (m *Module) Disable(n *Netns) { m.g.tb.Helper(); n.WriteFile(StatusFile, "0") }

// WantStatus fails the test unless the status file of the namespace reads want.
func (m *Module) WantStatus(n *Netns, want int) {
	m.g.tb.Helper()
	if got := n.ReadFile(StatusFile); got != fmt.Sprintf("%d\n", want) {
		m.g.tb.Errorf("%s in %v reads %q, want %d", StatusFile, n, got, want)
	}
}
