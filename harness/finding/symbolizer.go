package finding

import (
	"debug/elf"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"ktcp/guest/wire"
)

// Symbolizer turns addresses in one module, as it was once loaded, into functions and lines of source. It keeps
// the sections of the .ko apart: all of them start at zero there. It is safe for concurrent use.
type Symbolizer struct {
	module   string
	ko       string
	sections []section                     // those with memory, in the file's order
	byName   map[string][]symbol           // functions by name; static ones can share one
	ordered  map[elf.SectionIndex][]symbol // of each section, by value

	once  sync.Once  // guards lines
	dwarf *lineIndex // nil when the .ko has no DWARF
}

// section is a section that takes part in loading.
type section struct {
	index      elf.SectionIndex
	name       string
	size       uint64
	addr       uint64 // where the kernel put it, 0 where unknown
	executable bool
}

// symbol is a function or an object.
type symbol struct {
	name    string
	section elf.SectionIndex
	value   uint64 // offset in the section
	size    uint64 // of the ELF symbol
	extent  uint64 // to the next symbol or the section's end, which is what the kernel prints as size
	object  bool
}

// NewSymbolizer reads the symbols of a module's .ko, which should hold DWARF: without it functions are named and lines are
// not. Sections are the addresses that insmod answered; without them (nil) only "func+offset [module]" resolves, bare addresses do
// not. The file is read again when the first line is asked for, and must then be the same.
func NewSymbolizer(module, ko string, sections map[string]uint64) (*Symbolizer, error) {
	file, err := elf.Open(ko)
	if err != nil {
		return nil, fmt.Errorf("read symbols of %s: %w", module, err)
	}
	defer file.Close()
	if file.Type != elf.ET_REL {
		return nil, fmt.Errorf("read symbols of %s: %s is no relocatable object", module, ko)
	}
	s := &Symbolizer{module: module, ko: ko, byName: map[string][]symbol{}, ordered: map[elf.SectionIndex][]symbol{}}
	for i, sec := range file.Sections {
		if sec.Flags&elf.SHF_ALLOC == 0 || sec.Size == 0 {
			continue
		}
		s.sections = append(s.sections, section{
			index: elf.SectionIndex(i), name: sec.Name, size: sec.Size, addr: sections[sec.Name],
			executable: sec.Flags&elf.SHF_EXECINSTR != 0,
		})
	}
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read symbols of %s: %w", module, err)
	}
	s.index(file, symbols)
	return s, nil
}

// Sections returns the names of a .ko's sections whose addresses [NewSymbolizer] has a use for: those of code, and those of variables with
// names. The kernel's own tables in it, of which there are more, are not among them.
func Sections(ko string) (names []string, err error) {
	file, err := elf.Open(ko)
	if err != nil {
		return nil, fmt.Errorf("read sections: %w", err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read sections of %s: %w", ko, err)
	}
	named := map[elf.SectionIndex]bool{}
	for _, sym := range symbols {
		if kind := elf.ST_TYPE(sym.Info); kind == elf.STT_OBJECT && sym.Size > 0 {
			named[sym.Section] = true
		}
	}
	for i, sec := range file.Sections {
		table := strings.HasPrefix(sec.Name, "__") || strings.HasPrefix(sec.Name, ".note") || sec.Name == ".modinfo" || strings.HasPrefix(sec.Name, ".gnu.linkonce")
		code, variables := sec.Flags&elf.SHF_EXECINSTR != 0, named[elf.SectionIndex(i)] && !table
		if sec.Flags&elf.SHF_ALLOC != 0 && sec.Size > 0 && (code || variables) {
			names = append(names, sec.Name)
		}
	}
	return names, nil
}

// index sorts the symbols for lookup by name and by place.
func (s *Symbolizer) index(file *elf.File, symbols []elf.Symbol) {
	for _, sym := range symbols {
		kind := elf.ST_TYPE(sym.Info)
		if sym.Name == "" || int(sym.Section) >= len(file.Sections) || sym.Section == elf.SHN_UNDEF ||
			kind != elf.STT_FUNC && kind != elf.STT_OBJECT && kind != elf.STT_NOTYPE {
			continue
		}
		s.ordered[sym.Section] = append(s.ordered[sym.Section], symbol{
			name: sym.Name, section: sym.Section, value: sym.Value, size: sym.Size, object: kind == elf.STT_OBJECT,
		})
	}
	for i, list := range s.ordered {
		sort.SliceStable(list, func(a, b int) bool { return list[a].value < list[b].value })
		for j := range list {
			end := file.Sections[i].Size
			for _, next := range list[j+1:] {
				if next.value > list[j].value {
					end = next.value
					break
				}
			}
			list[j].extent = end - list[j].value
			s.byName[list[j].name] = append(s.byName[list[j].name], list[j])
		}
	}
}

// Module returns the module's name.
func (s *Symbolizer) Module() string { return s.module }

// Text returns the ranges of addresses that the module's code had when it was loaded, the ledger's way to know its allocations
// after it is gone. The code of init is not among them: its memory is given to others as soon as init has returned.
func (s *Symbolizer) Text() []wire.Range {
	var ranges []wire.Range
	for _, sec := range s.sections {
		if sec.executable && sec.addr != 0 && !strings.HasPrefix(sec.name, ".init") {
			ranges = append(ranges, wire.Range{Start: sec.addr, End: sec.addr + sec.size})
		}
	}
	return ranges
}

// InitText returns the ranges of addresses that the code of init had until init returned.
func (s *Symbolizer) InitText() []wire.Range {
	var ranges []wire.Range
	for _, sec := range s.sections {
		if sec.executable && sec.addr != 0 && strings.HasPrefix(sec.name, ".init") {
			ranges = append(ranges, wire.Range{Start: sec.addr, End: sec.addr + sec.size})
		}
	}
	return ranges
}

// Frames returns the frame with its line, preceded by the functions that were inlined there, innermost first. It returns nil for a
// frame that is not in the module.
func (s *Symbolizer) Frames(f Frame) []Frame {
	var at symbol
	var offset uint64 // in the section
	switch {
	case f.Func == "" && f.Addr != 0:
		sec, off, ok := s.section(lookup(f, uint64(f.Addr)))
		if !ok || !sec.executable {
			return nil
		}
		if at, ok = s.symbolAt(sec.index, off); !ok {
			return nil
		}
		offset = off
		f.Func, f.Size, f.Module = at.name, at.extent, s.module
		f.Offset = off - at.value + (uint64(f.Addr) - lookup(f, uint64(f.Addr)))
	case f.Func != "" && f.Module == s.module:
		var ok bool
		if at, ok = s.named(f.Func, f.Size); !ok {
			return nil
		}
		offset = at.value + lookup(f, f.Offset)
		if next, ok := s.symbolAt(at.section, offset); ok && offset >= at.value+at.extent {
			at, f.Func, f.Offset, f.Size = next, next.name, offset-next.value, next.extent
		}
	default:
		return nil
	}
	calls := s.lines(at.section, offset)
	if len(calls) == 0 {
		return []Frame{f}
	}
	frames := make([]Frame, len(calls))
	for i, c := range calls {
		frames[i] = Frame{Func: c.fn, Module: f.Module, File: c.file, Line: c.line, Inlined: true, Unreliable: f.Unreliable, IP: f.IP}
	}
	last := &frames[len(frames)-1]
	f.File, f.Line = last.File, last.Line
	*last = f
	return frames
}

// lookup returns the address whose line is the frame's: that of the call, which a return address lies behind. A word
// on the stack that points to the very end of a function is no return address but the start of the next function.
func lookup(f Frame, addr uint64) uint64 {
	if f.IP || addr == 0 || f.Unreliable && f.Offset == f.Size {
		return addr
	}
	return addr - 1
}

// section returns the section that an address was in, and the offset there. Init sections come last, because their
// memory is reused while the module lives.
func (s *Symbolizer) section(addr uint64) (section, uint64, bool) {
	for _, init := range []bool{false, true} {
		for _, sec := range s.sections {
			if strings.HasPrefix(sec.name, ".init") == init && sec.addr != 0 && addr >= sec.addr && addr < sec.addr+sec.size {
				return sec, addr - sec.addr, true
			}
		}
	}
	return section{}, 0, false
}

// symbolAt returns the symbol that covers an offset in a section.
func (s *Symbolizer) symbolAt(index elf.SectionIndex, offset uint64) (symbol, bool) {
	best, found := symbol{}, false
	for _, sym := range s.ordered[index] {
		if sym.value > offset {
			break
		}
		// Of several at one place, the one that has a size: the others are labels.
		if !found || sym.value > best.value || sym.size > best.size {
			best, found = sym, true
		}
	}
	return best, found
}

// named returns the function of that name. Of several static functions with one name the size tells, as the kernel prints it.
func (s *Symbolizer) named(name string, size uint64) (symbol, bool) {
	candidates := s.byName[name]
	if len(candidates) == 0 {
		return symbol{}, false
	}
	return slices.MinFunc(candidates, func(a, b symbol) int {
		return compareDistance(distance(a, size), distance(b, size))
	}), true
}

// distance says how far a symbol's size is from the one that the kernel printed.
func distance(s symbol, size uint64) uint64 {
	return min(difference(s.extent, size), difference(s.size, size))
}

func difference(a, b uint64) uint64 { return max(a, b) - min(a, b) }

func compareDistance(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
