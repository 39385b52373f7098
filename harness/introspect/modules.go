package introspect

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Module is a module that is loaded.
type Module struct {
	Name    string
	Regions []Region // that it occupies
	symbols []moduleSymbol
	read    bool
	at      uint64 // its struct module
}

// Region is a piece of a module.
type Region struct {
	Start, End uint64
	bound      uint64 // up to which its last symbol reaches
}

type moduleSymbol struct {
	value uint64
	name  string
}

// Modules returns the modules that are loaded.
func (k *Kernel) Modules(s *Space) ([]*Module, error) {
	head, err := k.Symbols.Address("modules")
	if err != nil {
		return nil, err
	}
	module, err := k.Layout.Struct("module", "list", "name")
	if err != nil {
		return nil, err
	}
	var all []*Module
	b := make([]byte, module.Size)
	err = s.List(head, func(node uint64) error {
		m := &Module{at: node - uint64(module.Fields["list"].Offset)}
		if err := s.Read(b, m.at); err != nil {
			return err
		}
		name := b[module.Fields["name"].Offset:][:module.Fields["name"].Size]
		m.Name, _, _ = strings.Cut(string(name), "\x00")
		var err error
		m.Regions, err = k.regions(module, b)
		all = append(all, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	return all, nil
}

// regions returns what a struct module occupies.
func (k *Kernel) regions(module Struct, b []byte) ([]Region, error) {
	var all []Region
	add := func(layout Struct, at int, bound string) {
		of := b[at:]
		start := layout.Of(of, "base")
		if size := layout.Of(of, "size"); start != 0 && size != 0 {
			all = append(all, Region{Start: start, End: start + size, bound: start + layout.Of(of, bound)})
		}
	}
	if mem, ok := module.Fields["mem"]; ok {
		part, err := k.Layout.Struct("module_memory")
		if err != nil {
			return nil, err
		}
		for at := mem.Offset; at < mem.Offset+mem.Size; at += part.Size {
			add(part, at, "size")
		}
		return all, nil
	}
	part, err := k.Layout.Struct("module_layout")
	if err != nil {
		return nil, err
	}
	for _, member := range []string{"core_layout", "init_layout"} {
		f, ok := module.Fields[member]
		if !ok {
			return nil, fmt.Errorf("%w: %s of struct module", ErrNoField, member)
		}
		add(part, f.Offset, "text_size")
	}
	return all, nil
}

// Holds reports whether an address is in the module.
func (m *Module) Holds(addr uint64) bool {
	_, ok := m.region(addr)
	return ok
}

func (m *Module) region(addr uint64) (Region, bool) {
	for _, r := range m.Regions {
		if addr >= r.Start && addr < r.End {
			return r, true
		}
	}
	return Region{}, false
}

// Find returns the place of an address in a module as the kernel itself would: the last symbol that begins before it, whose size reaches
// up to the next.
func (k *Kernel) Find(s *Space, m *Module, addr uint64) (Place, bool, error) {
	r, ok := m.region(addr)
	if !ok {
		return Place{}, false, nil
	}
	if !m.read {
		if err := k.readSymbols(s, m); err != nil {
			return Place{}, false, fmt.Errorf("read symbols of module %s: %w", m.Name, err)
		}
		m.read = true
	}
	var best moduleSymbol
	next := r.bound
	for _, sym := range m.symbols {
		if sym.value <= addr && sym.value > best.value {
			best = sym
		}
		if sym.value > addr && sym.value < next {
			next = sym.value
		}
	}
	if best.name == "" {
		return Place{}, false, nil
	}
	return Place{Func: best.name, Offset: addr - best.value, Size: next - best.value}, true, nil
}

// symbolSize is that of an entry of ELF's symbol table (Elf64_Sym), and where in it a symbol's members are.
const (
	symbolSize    = 24
	symbolName    = 0 // 4 bytes, into the table of strings
	symbolSection = 6 // 2 bytes; 0: defined elsewhere
	symbolValue   = 8 // 8 bytes
)

// readSymbols reads the symbols that the kernel keeps of a module.
func (k *Kernel) readSymbols(s *Space, m *Module) error {
	module, err := k.Layout.Struct("module", "kallsyms")
	if err != nil {
		return err
	}
	table, err := k.Layout.Struct("mod_kallsyms", "symtab", "num_symtab", "strtab")
	if err != nil {
		return err
	}
	at, err := s.Pointer(m.at + uint64(module.Fields["kallsyms"].Offset))
	if err != nil {
		return err
	}
	b := make([]byte, table.Size)
	if err := s.Read(b, at); err != nil {
		return err
	}
	symbols := make([]byte, symbolSize*uint32(table.Of(b, "num_symtab")))
	if err := s.Read(symbols, table.Of(b, "symtab")); err != nil {
		return err
	}
	for i := symbolSize; i < len(symbols); i += symbolSize { // the first is none
		sym := symbols[i:]
		if binary.LittleEndian.Uint16(sym[symbolSection:]) == 0 {
			continue
		}
		name, err := s.String(table.Of(b, "strtab") + uint64(binary.LittleEndian.Uint32(sym[symbolName:])))
		if err != nil {
			return err
		}
		if name == "" || mapsCode(name) {
			continue
		}
		m.symbols = append(m.symbols, moduleSymbol{value: binary.LittleEndian.Uint64(sym[symbolValue:]), name: name})
	}
	return nil
}

// mapsCode reports whether a symbol is one of the assembler's own, which name nothing.
func mapsCode(name string) bool { return strings.HasPrefix(name, ".L") || strings.HasPrefix(name, "$") }
