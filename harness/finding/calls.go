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
		for _, table := range file.Sections {
			if table.Type != elf.SHT_RELA || elf.SectionIndex(table.Info) != sec.index { //nolint:misspell // ELF names it so
				continue
			}
			entries, err := table.Data()
			if err != nil {
				return nil, fmt.Errorf("read calls of %s: %w", s.module, err)
			}
			for ; len(entries) >= relocationSize; entries = entries[relocationSize:] {
				n := int(elf.R_SYM64(binary.LittleEndian.Uint64(entries[8:]))) - 1
				if n < 0 || n >= len(symbols) || symbols[n].Section != elf.SHN_UNDEF || !slices.Contains(names, symbols[n].Name) {
					continue
				}
				frames = append(frames, Frame{Addr: Addr(sec.addr + binary.LittleEndian.Uint64(entries) + returnWidth)})
			}
		}
	}
	return frames, nil
}
