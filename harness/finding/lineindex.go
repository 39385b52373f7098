package finding

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// lineIndex answers which lines an address in a relocatable object belongs to. Every section of the object is given
// a place of its own, sectionBase, so that one address means one section and offset.
type lineIndex struct {
	sequences []sequence
	functions []function
	variables map[uint64]position
}

// position is a line of source.
type position struct {
	file string
	line int
}

// sequence is a run of the line table without gaps.
type sequence struct {
	start, end uint64
	rows       []row // by address
}

type row struct {
	addr uint64
	position
}

// function is a function with code, or one inlined into it.
type function struct {
	name    string
	ranges  [][2]uint64
	call    position // where it was inlined
	inlined []function
}

// call is a function and the line in it that was being executed.
type call struct {
	fn string
	position
}

// sectionBase is where a section of the object is placed.
func sectionBase(i elf.SectionIndex) uint64 { return uint64(i) << 32 }

// lines returns the innermost function at an offset in a section and those that it was inlined into. It is empty without DWARF.
func (s *Symbolizer) lines(sec elf.SectionIndex, offset uint64) []call {
	s.load()
	if s.dwarf == nil {
		return nil
	}
	return s.dwarf.calls(sectionBase(sec) + offset)
}

// declared returns the line that declares the variable at an offset in a section.
func (s *Symbolizer) declared(sec elf.SectionIndex, offset uint64) (file string, line int) {
	s.load()
	if s.dwarf == nil {
		return "", 0
	}
	p := s.dwarf.variables[sectionBase(sec)+offset]
	return p.file, p.line
}

// load reads the DWARF once. What cannot be read names no lines.
func (s *Symbolizer) load() {
	s.once.Do(func() {
		file, err := elf.Open(s.ko)
		if err != nil {
			return
		}
		defer file.Close()
		if d, err := relocatedDWARF(file); err == nil {
			s.dwarf = newLineIndex(d)
		}
	})
}

// calls returns the chain of functions at an address, innermost first.
func (x *lineIndex) calls(addr uint64) []call {
	at, ok := x.at(addr)
	if !ok {
		return nil
	}
	chain := []call{{position: at}}
	scope := x.functions
	for {
		i := slices.IndexFunc(scope, func(f function) bool { return f.covers(addr) })
		if i < 0 {
			break
		}
		f := scope[i]
		if chain[len(chain)-1].fn != "" {
			// f was inlined into what stands last: that one was executing the call.
			last := &chain[len(chain)-1]
			inner := last.position
			last.position = f.call
			chain = append(chain, call{position: inner})
		}
		chain[len(chain)-1].fn = f.name
		scope = f.inlined
	}
	slices.Reverse(chain)
	return chain
}

// at returns the row of the line table that covers an address.
func (x *lineIndex) at(addr uint64) (position, bool) {
	for _, s := range x.sequences {
		if addr < s.start || addr >= s.end {
			continue
		}
		i, exact := slices.BinarySearchFunc(s.rows, addr, func(r row, a uint64) int {
			return compareDistance(r.addr, a)
		})
		if !exact {
			i--
		}
		// Of several rows at one address the last counts.
		for i+1 < len(s.rows) && s.rows[i+1].addr == s.rows[i].addr {
			i++
		}
		return s.rows[i].position, true
	}
	return position{}, false
}

func (f function) covers(addr uint64) bool {
	return slices.ContainsFunc(f.ranges, func(r [2]uint64) bool { return addr >= r[0] && addr < r[1] })
}

// newLineIndex reads what it needs of the DWARF: line tables, functions and what is inlined in them, variables.
func newLineIndex(d *dwarf.Data) *lineIndex {
	x := &lineIndex{variables: map[uint64]position{}}
	r := d.Reader()
	for {
		unit, err := r.Next()
		if err != nil || unit == nil {
			return x
		}
		if unit.Tag != dwarf.TagCompileUnit {
			r.SkipChildren()
			continue
		}
		u := &unitReader{d: d, r: r, index: x}
		u.dir, _ = unit.Val(dwarf.AttrCompDir).(string)
		u.readLines(unit)
		u.readChildren()
	}
}

// unitReader reads one compile unit.
type unitReader struct {
	d     *dwarf.Data
	r     *dwarf.Reader
	index *lineIndex
	dir   string // the directory of compilation
	files []string
}

// readLines reads the unit's line table.
func (u *unitReader) readLines(unit *dwarf.Entry) {
	lr, err := u.d.LineReader(unit)
	if err != nil || lr == nil {
		return
	}
	for _, f := range lr.Files() {
		name := ""
		if f != nil {
			name = u.clean(f.Name)
		}
		u.files = append(u.files, name)
	}
	var seq sequence
	var e dwarf.LineEntry
	for lr.Next(&e) == nil {
		if e.EndSequence {
			seq.end = e.Address
			if len(seq.rows) > 0 && seq.end > seq.start {
				u.index.sequences = append(u.index.sequences, seq)
			}
			seq = sequence{}
			continue
		}
		if len(seq.rows) == 0 {
			seq.start = e.Address
		}
		p := position{line: e.Line}
		if e.File != nil {
			p.file = u.clean(e.File.Name)
		}
		seq.rows = append(seq.rows, row{addr: e.Address, position: p})
	}
}

// clean returns a path as the compiler was given it: relative ones are recorded below the directory of compilation.
func (u *unitReader) clean(name string) string {
	if u.dir != "" {
		name = strings.TrimPrefix(name, strings.TrimSuffix(u.dir, "/")+"/")
	}
	return shortHeader(path.Clean(name))
}

// readChildren reads the entries of the unit.
func (u *unitReader) readChildren() {
	for {
		e, err := u.r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return
		}
		switch e.Tag {
		case dwarf.TagSubprogram:
			if f, ok := u.readFunction(e); ok {
				u.index.functions = append(u.index.functions, f)
			}
		case dwarf.TagVariable:
			u.readVariable(e)
			u.r.SkipChildren()
		default:
			u.r.SkipChildren()
		}
	}
}

// readFunction reads a function, or one that is inlined, with what is inlined in it. One without code is skipped.
func (u *unitReader) readFunction(e *dwarf.Entry) (function, bool) {
	ranges, err := u.d.Ranges(e)
	if err != nil || len(ranges) == 0 {
		u.r.SkipChildren()
		return function{}, false
	}
	f := function{name: u.name(e, 0), ranges: ranges, call: u.callSite(e)}
	if e.Children {
		f.inlined = u.readInlined()
	}
	return f, true
}

// readInlined reads the entries within a function up to their end.
func (u *unitReader) readInlined() []function {
	var all []function
	for {
		e, err := u.r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return all
		}
		switch e.Tag {
		case dwarf.TagInlinedSubroutine:
			if f, ok := u.readFunction(e); ok {
				all = append(all, f)
			}
		case dwarf.TagLexDwarfBlock:
			if e.Children {
				all = append(all, u.readInlined()...)
			}
		case dwarf.TagVariable:
			u.readVariable(e)
			u.r.SkipChildren()
		default:
			u.r.SkipChildren()
		}
	}
}

// maxOrigins bounds how often one entry may refer to another for its name.
const maxOrigins = 8

// name returns the name of a function, which can stand in the entry that this one is an instance of.
func (u *unitReader) name(e *dwarf.Entry, depth int) string {
	if n, ok := e.Val(dwarf.AttrName).(string); ok {
		return n
	}
	for _, attr := range []dwarf.Attr{dwarf.AttrAbstractOrigin, dwarf.AttrSpecification} {
		off, ok := e.Val(attr).(dwarf.Offset)
		if !ok || depth == maxOrigins {
			continue
		}
		r := u.d.Reader()
		r.Seek(off)
		if origin, err := r.Next(); err == nil && origin != nil {
			return u.name(origin, depth+1)
		}
	}
	return ""
}

// callSite returns where a function was inlined.
func (u *unitReader) callSite(e *dwarf.Entry) position {
	return u.position(e, dwarf.AttrCallFile, dwarf.AttrCallLine)
}

// position returns the line that two attributes name.
func (u *unitReader) position(e *dwarf.Entry, file, line dwarf.Attr) position {
	var p position
	if n, ok := e.Val(file).(int64); ok && n >= 0 && int(n) < len(u.files) {
		p.file = u.files[n]
	}
	if n, ok := e.Val(line).(int64); ok {
		p.line = int(n)
	}
	return p
}

// opAddr is the location expression of a variable with a fixed address: the operation and eight bytes.
const opAddr = 0x03

// readVariable keeps the place of a variable that has an address.
func (u *unitReader) readVariable(e *dwarf.Entry) {
	loc, ok := e.Val(dwarf.AttrLocation).([]byte)
	if !ok || len(loc) != 9 || loc[0] != opAddr {
		return
	}
	p := u.position(e, dwarf.AttrDeclFile, dwarf.AttrDeclLine)
	if off, ok := e.Val(dwarf.AttrSpecification).(dwarf.Offset); ok && p.file == "" {
		r := u.d.Reader()
		r.Seek(off)
		if origin, err := r.Next(); err == nil && origin != nil {
			p = u.position(origin, dwarf.AttrDeclFile, dwarf.AttrDeclLine)
		}
	}
	u.index.variables[binary.LittleEndian.Uint64(loc[1:])] = p
}
