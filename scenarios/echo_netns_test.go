package scenarios

import (
	"strings"
	"syscall"
	"testing"

	"ktcp/harness"
)

const (
	echoAddr   = "127.0.0.1:12345"
	echoStatus = "/sys/kernel/kecho/net/data/status"
)

// One that starts by itself serves in the namespace of the process that loads it, wherever that is.
func TestNetnsServiceOfWhoLoadsIt(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	red, blue := g.Netns("red"), g.Netns("blue")
	kecho := red.Insmod("kecho")
	late := g.Netns("late")

	red.Dial(echoAddr).Echo(1000)
	for _, n := range []*harness.Netns{g.Init(), blue, late} {
		n.Refuses(echoAddr)
		if n.Has(echoStatus) {
			t.Errorf("%s is there in %v, which is not served", echoStatus, n)
		}
	}
	kecho.AwaitCounter(red, "accepted", 1)

	// It ends with its namespace; nobody inherits it.
	red.Dies()
	g.Netns("red2").Refuses(echoAddr)
	g.Init().Refuses(echoAddr)
	kecho.Rmmod()
}

func TestNetnsServiceOfAll(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	red := g.Netns("red")
	kecho := g.Serve(harness.Echo, "netns=all")
	late := g.Netns("late")
	for i, n := range []*harness.Netns{g.Init(), red, late} {
		for range i + 1 {
			n.Dial(echoAddr).Echo(1000)
		}
	}
	for i, n := range []*harness.Netns{g.Init(), red, late} {
		kecho.AwaitCounter(n, "accepted", i+1) // each counts its own
	}
	red.Dies()
	late.Dial(echoAddr).Echo(1000)
	kecho.Rmmod()
	late.Refuses(echoAddr)
}

// Somebody else has the port: in the namespace of who loads the module that is why it is not loaded; elsewhere it is that
// namespace's own business.
func TestNetnsServiceAndPortsInUse(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	red, blue := g.Netns("red"), g.Netns("blue")
	freeRed := red.Occupy("0.0.0.0:12345")
	free := g.Init().Occupy("127.0.0.1:12345")
	for _, netns := range []string{"netns=current", "netns=all"} {
		said := g.InsmodRefused("kecho", syscall.EADDRINUSE, netns)
		if !strings.Contains(said, "kecho: cannot listen on 0.0.0.0, port 12345") {
			t.Errorf("insmod kecho %s: the kernel log says %q, want it to name kecho and the port", netns, said)
		}
		blue.Refuses(echoAddr)
	}
	free()
	said := blue.Said(func() { g.Insmod("kecho", "netns=all") })
	if !strings.Contains(said, "kecho: not in network namespace") {
		t.Errorf("with the port in use in red, the kernel log says %q", said)
	}
	g.Init().Dial(echoAddr).Echo(10)
	blue.Dial(echoAddr).Echo(10)
	g.Netns("late").Dial(echoAddr).Echo(10)
	if got := red.ReadFile(echoStatus); got != "0\n" {
		t.Errorf("%s in red reads %q, want 0", echoStatus, got)
	}

	// It is no dead end.
	red.WriteFails(echoStatus, "1", syscall.EADDRINUSE)
	freeRed()
	red.WriteFile(echoStatus, "1")
	red.Dial(echoAddr).Echo(10)
	blue.WriteFile(echoStatus, "0")
	blue.Refuses(echoAddr)
}

func TestNetnsServiceInNumbers(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	g.Insmod("kecho", "netns=all")
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		n := g.Netns(name)
		n.Dial(echoAddr).Echo(100)
		n.Dial(echoAddr)        // idle
		n.DialHalf(echoAddr, 2) // not even a connection yet
		n.Delete()
	}
	g.NamespacesDie()
}

func TestEchoParametersRefused(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	for _, param := range []string{
		"port=0", "port=70000", "port=-1", "port=echo", "port=", "port=12345x",
		"backlog=-1", "backlog=0", "backlog=65536", "backlog=many",
		"max_conns=0", "max_conns=-5", "max_conns=9999999999",
		"timeout_ms=-1", "timeout_ms=1s", "timeout_ms=86400001",
		"netns=none", "netns=", "netns=currently",
		"host=localhost", "host=1.2.3", "bench=maybe",
	} {
		said := g.InsmodRefused("kecho", syscall.EINVAL, param)
		name, _, _ := strings.Cut(param, "=")
		if !strings.Contains(said, "kecho: ") || !strings.Contains(said, name) {
			t.Errorf("insmod kecho %s: the kernel log says %q, want it to name kecho and %q", param, said, name)
		}
	}
	// An address that is not ours is an error of the address.
	g.InsmodRefused("kecho", syscall.EADDRNOTAVAIL, "host=10.9.8.7")
	kecho := g.Insmod("kecho", "port=1", "backlog=1", "max_conns=1", "timeout_ms=0", "netns=current", "host=127.0.0.3", "bench=1")
	g.Init().Dial("127.0.0.3:1").Echo(100)
	for file, want := range map[string]string{
		"port": "1\n", "backlog": "1\n", "max_conns": "1\n", "timeout_ms": "0\n", "netns": "current\n", "host": "127.0.0.3\n", "bench": "Y\n",
	} {
		if got := g.Init().ReadFile("/sys/module/" + kecho.Name + "/parameters/" + file); got != want {
			t.Errorf("parameter %s reads %q, want %q", file, got, want)
		}
	}
}
