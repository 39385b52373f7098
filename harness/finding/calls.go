package finding

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// returnWidth is how far behind a relocation of a call its return address is, on x86-64.
const returnWidth = 4

// Calls returns where the module's code calls the kernel's functions of these names, as frames with the return address. Code of
// init and exit does not count. It returns nothing where the sections' addresses are not known.
func (s *Symbolizer) Calls(names ...string) ([]Frame, error) {
	file, err := elf.Open(s.ko)
	if err != nil {
		return nil, fmt.Errorf("read calls of %s: %w", s.module, err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read calls of %s: %w", s.module, err)
	}
	var frames []Frame
	for _, sec := range s.sections {
		if !sec.executable || sec.addr == 0 || strings.HasPrefix(sec.name, ".init") || strings.HasPrefix(sec.name, ".exit") {
			continue
		}
		err := eachRelocation(file, sec.index, func(offset uint64, n int) {
			if n < len(symbols) && symbols[n].Section == elf.SHN_UNDEF && slices.Contains(names, symbols[n].Name) {
				frames = append(frames, Frame{Addr: Addr(sec.addr + offset + returnWidth)})
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read calls of %s: %w", s.module, err)
		}
	}
	return frames, nil
}

// returnsTo reports whether an offset in a section is where a call of another object's function returns to.
func (s *Symbolizer) returnsTo(sec section, offset uint64) (found bool) {
	file, err := elf.Open(s.ko)
	if err != nil {
		return false
	}
	defer file.Close()
	err = eachRelocation(file, sec.index, func(at uint64, _ int) { found = found || at+returnWidth == offset })
	return found && err == nil
}

// eachRelocation calls do with the place of each relocation in a section and the index of its symbol among those of the file.
func eachRelocation(file *elf.File, index elf.SectionIndex, do func(offset uint64, symbol int)) error {
	for _, table := range file.Sections {
		if table.Type != elf.SHT_RELA || elf.SectionIndex(table.Info) != index { //nolint:misspell // ELF names it so
			continue
		}
		entries, err := table.Data()
		if err != nil {
			return err
		}
		for ; len(entries) >= relocationSize; entries = entries[relocationSize:] {
			// Symbols of the file do not include the null symbol at index 0.
			if n := int(elf.R_SYM64(binary.LittleEndian.Uint64(entries[8:]))) - 1; n >= 0 {
				do(binary.LittleEndian.Uint64(entries), n)
			}
		}
	}
	return nil
}
