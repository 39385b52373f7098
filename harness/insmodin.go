package harness

import (
	"strings"

	"ktcp/guest/wire"
)

// Insmod loads a module as a process of the namespace does. See [Guest.Insmod].
func (n *Netns) Insmod(name string, params ...string) *Module {
	g := n.g
	g.tb.Helper()
	m := &Module{g: g, Name: name, params: strings.Join(params, " ")}
	built := g.build(name)
	if err := built.checkParameters(m.params); err != nil {
		g.tb.Fatal(err)
	}
	req := g.insmodRequest(built, m.params)
	req.Netns = n.name
	answer := call(g, wire.Insmod, req)
	g.remember(built, answer)
	m.loaded = true
	g.modules = append(g.modules, m)
	return m
}

// Said returns what the kernel log, which all namespaces share, has to say while f runs.
func (n *Netns) Said(f func()) string {
	g := n.g
	g.tb.Helper()
	before := g.kernelLog(g.cursor)
	f()
	return g.saidSince(before.Next)
}
