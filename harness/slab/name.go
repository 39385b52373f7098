package slab

import (
	"ktcp/guest/wire"
	"ktcp/harness/introspect"
)

// namer names addresses as the kernel does when it prints them (%pS).
type namer struct {
	kernel  *introspect.Kernel
	space   *introspect.Space
	modules []*introspect.Module
}

func newNamer(k *introspect.Kernel, space *introspect.Space) (*namer, error) {
	modules, err := k.Modules(space)
	return &namer{kernel: k, space: space, modules: modules}, err
}

// frames names the addresses of a stack. What is in neither the kernel nor a module that is loaded stays an address.
func (n *namer) frames(addrs []uint64) ([]wire.StackFrame, error) {
	var frames []wire.StackFrame
	for _, a := range addrs {
		f, err := n.frame(a)
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}

func (n *namer) frame(addr uint64) (wire.StackFrame, error) {
	if p, ok := n.kernel.Symbols.Find(addr); ok {
		return wire.StackFrame{Func: p.Func, Offset: p.Offset, Size: p.Size}, nil
	}
	for _, m := range n.modules {
		p, ok, err := n.kernel.Find(n.space, m, addr)
		if err != nil {
			return wire.StackFrame{}, err
		}
		if ok {
			return wire.StackFrame{Func: p.Func, Offset: p.Offset, Size: p.Size, Module: m.Name}, nil
		}
	}
	return wire.StackFrame{Addr: addr}, nil
}
