package harness

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
	"ktcp/harness/subject"
)

// listenDeadline is how long, in wall time, a stranger may take after insmod until it listens.
const listenDeadline = 5 * time.Second

// Subject is the loaded module that plays a role: the scenario does not know whose it is.
type Subject struct {
	*Module
	Role Role
	Host string // where it answers clients of its own namespace
	Port int
	Addr string // Host and Port, as "127.0.0.1:8081"
}

// Serve loads the module that plays the role with parameters of the form "port=80": that of this tree, or the stranger
// that is judged. It returns when the module is loaded and, but for [Web], listens. A stranger that lacks a
// parameter does not offer what the scenario is about.
func (g *Guest) Serve(role Role, params ...string) *Subject {
	g.tb.Helper()
	g.role = role
	s := &Subject{Role: role, Host: "127.0.0.1", Port: role.Port()}
	x := g.stranger
	if x == nil {
		s.take(params)
		s.Module = g.Insmod(role.Reference(), params...)
		return s
	}
	if x.Role != role {
		g.tb.Skipf("%s is judged as %s, this is about %s", x.Module, x.Role, role)
	}
	all := x.Insmod(params)
	s.take(all)
	s.Module = &Module{g: g, Name: g.build(x.Module).Name, params: strings.Join(all, " ")}
	for _, p := range params {
		name, _, _ := strings.Cut(p, "=")
		s.Needs(Parameter(name))
	}
	s.load(len(params) == 0)
	return s
}

// take reads from parameters where the module is going to listen.
func (s *Subject) take(params []string) {
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "port":
			if port, err := strconv.Atoi(value); err == nil {
				s.Port = port
			}
		case "host":
			if value != "0.0.0.0" {
				s.Host = value
			}
		}
	}
	s.Addr = net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// At returns the address under which clients elsewhere reach the server, given its host's.
func (s *Subject) At(host string) string { return net.JoinHostPort(host, strconv.Itoa(s.Port)) }

// Reload loads the module again after it was unloaded, with the same parameters.
func (s *Subject) Reload() {
	s.g.tb.Helper()
	if s.g.stranger == nil {
		s.Module.Reload()
		return
	}
	s.load(false)
}

// load loads a stranger and waits until it listens. One that cannot be loaded in the way that its user wants it loaded cannot be
// judged at all.
func (s *Subject) load(plain bool) {
	g := s.g
	g.tb.Helper()
	before := g.kernelLog(g.cursor)
	if err := g.insmod(s.Name, s.params); err != nil {
		said := g.saidSince(before.Next)
		g.unfit(plain, "insmod %s: %v; the kernel said: %s", strings.TrimSpace(s.Name+" "+s.params), err, said)
	}
	s.loaded = true
	if !slices.Contains(g.modules, s.Module) {
		g.modules = append(g.modules, s.Module)
	}
	if s.Role == Web {
		if !g.Init().Has(StatusFile) {
			g.unfit(plain, "%s is loaded, but there is no %s to switch it on", s.Name, StatusFile)
		}
		return
	}
	s.awaitListening(plain)
}

// awaitListening waits until the module listens where it should.
func (s *Subject) awaitListening(plain bool) {
	g, x := s.g, s.g.stranger
	g.tb.Helper()
	told := x.Port != 0 || strings.Contains(" "+s.params, " port=")
	if x.Port != 0 && !strings.Contains(" "+s.params, " port=") {
		s.Port = x.Port
	}
	var ports []int
	err := await(listenDeadline, func() (bool, error) {
		ports = nil
		for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			answer, err := try(g, wire.ReadFile, wire.FileRequest{Path: file})
			if err != nil && file == "/proc/net/tcp" {
				return false, err
			}
			ports = append(ports, subject.Listening(string(answer.Data))...)
		}
		return slices.Contains(ports, s.Port) || !told && len(ports) > 0, nil
	})
	switch {
	case err != nil:
		g.unfit(false, "read /proc/net/tcp: %v", err)
	case len(ports) == 0:
		g.unfit(plain, "%s is loaded, but listens on no port within %v", s.Name, listenDeadline)
	case told && !slices.Contains(ports, s.Port):
		g.unfit(plain, "%s is loaded, but nothing listens on port %d within %v; it listens on %d: say --port %d",
			s.Name, s.Port, listenDeadline, ports[0], ports[0])
	case !slices.Contains(ports, s.Port):
		s.Port = ports[0] // its own default
	}
	s.Addr = net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// unfit ends a scenario in which the stranger could not be brought to serve. Where that is not because of what the scenario asked
// for, nothing else can be judged either, and what the kernel's own log says comes first, or that it did not unload before.
func (g *Guest) unfit(always bool, format string, args ...any) {
	g.tb.Helper()
	message := fmt.Sprintf(format, args...)
	g.readKernelLog()
	if g.vm.Err() != nil || len(g.reports()) > 0 || g.has(finding.OracleRmmod) {
		g.tb.Fatal(message)
	}
	g.broken = fmt.Errorf("%s", message)
	if always {
		g.rig.unfit.Store(&message)
	}
	g.tb.Fatal(message)
}

// Needs ends the scenario unless the module offers all of these. A stranger need not; the modules of this tree do.
func (s *Subject) Needs(features ...Feature) {
	s.g.tb.Helper()
	for _, f := range features {
		if !s.Offers(f) {
			s.g.tb.Skipf("not offered: %s", f)
		}
	}
}

// Offers reports whether the module offers a feature, for the part of a scenario that needs it.
func (s *Subject) Offers(f Feature) bool {
	s.g.tb.Helper()
	x := s.g.stranger
	if x == nil {
		return true
	}
	if x.Offers(f, s.g.build(s.Name).params) {
		return true
	}
	s.g.lack(f)
	return false
}

// AwaitCounter is [Module.AwaitCounter] for a module that has counters: a stranger need not.
func (s *Subject) AwaitCounter(n *Netns, name string, want int) {
	s.g.tb.Helper()
	if s.Offers(FeatureStatistics) {
		s.Module.AwaitCounter(n, name, want)
	}
}

// NotOffered ends the scenario because the module's own answer says that it lacks a feature: which a stranger may, and the modules
// of this tree may not.
func (s *Subject) NotOffered(f Feature, format string, args ...any) {
	s.g.tb.Helper()
	why := fmt.Sprintf(format, args...)
	if s.g.stranger == nil {
		s.g.tb.Fatalf("%s: %s", f, why)
	}
	s.g.lack(f)
	s.g.tb.Skipf("not offered: %s: %s", f, why)
}

// lack notes that the module does not offer a feature.
func (g *Guest) lack(f Feature) {
	if !slices.Contains(g.lacks, f) {
		g.lacks = append(g.lacks, f)
	}
}
