package finding

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
)

// relocatedDWARF returns the DWARF of a relocatable object with every section at its sectionBase. The standard library's
// own relocation puts all of them at zero, where they overlap.
func relocatedDWARF(file *elf.File) (*dwarf.Data, error) {
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read symbols: %w", err)
	}
	data := map[string][]byte{}
	for i, sec := range file.Sections {
		name, ok := strings.CutPrefix(sec.Name, ".debug_")
		if !ok || sec.Type == elf.SHT_NOBITS || sec.Type == elf.SHT_RELA { //nolint:misspell // ELF names it so
			continue
		}
		content, err := sec.Data() // decompresses
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", sec.Name, err)
		}
		for _, table := range file.Sections {
			if table.Type == elf.SHT_RELA && int(table.Info) == i { //nolint:misspell // ELF names it so
				if err := relocate(file, content, table, symbols); err != nil {
					return nil, fmt.Errorf("relocate %s: %w", sec.Name, err)
				}
			}
		}
		data[name] = content
	}
	if data["info"] == nil {
		return nil, fmt.Errorf("no DWARF in the object")
	}
	d, err := dwarf.New(data["abbrev"], nil, nil, data["info"], data["line"], nil, data["ranges"], data["str"])
	if err != nil {
		return nil, fmt.Errorf("decode DWARF: %w", err)
	}
	for _, name := range []string{"addr", "line_str", "str_offsets", "rnglists", "loclists"} {
		if content := data[name]; content != nil {
			if err := d.AddSection(".debug_"+name, content); err != nil {
				return nil, fmt.Errorf("decode DWARF: %w", err)
			}
		}
	}
	return d, nil
}

// relocationSize is the size of an entry in a table of 64-bit relocations with addends.
const relocationSize = 24

// relocate applies the relocations of one section of DWARF.
func relocate(file *elf.File, content []byte, table *elf.Section, symbols []elf.Symbol) error {
	entries, err := table.Data()
	if err != nil {
		return err
	}
	for ; len(entries) >= relocationSize; entries = entries[relocationSize:] {
		offset := binary.LittleEndian.Uint64(entries)
		info := binary.LittleEndian.Uint64(entries[8:])
		addend := binary.LittleEndian.Uint64(entries[16:])
		width := relocationWidth(file.Machine, elf.R_TYPE64(info))
		if width == 0 {
			continue // of a kind that no address of code or data has
		}
		// Symbols of the file do not include the null symbol at index 0.
		n := int(elf.R_SYM64(info)) - 1
		if n < 0 || n >= len(symbols) || offset+uint64(width) > uint64(len(content)) {
			return fmt.Errorf("entry at offset %#x: no such symbol or place", offset)
		}
		value := symbols[n].Value + addend
		if i := int(symbols[n].Section); i < len(file.Sections) && file.Sections[i].Flags&elf.SHF_ALLOC != 0 {
			value += sectionBase(symbols[n].Section)
		}
		if width == 8 {
			binary.LittleEndian.PutUint64(content[offset:], value)
		} else {
			binary.LittleEndian.PutUint32(content[offset:], uint32(value))
		}
	}
	return nil
}

// relocationWidth returns how many bytes a relocation changes, or 0 for one that takes no part in DWARF.
func relocationWidth(machine elf.Machine, kind uint32) int {
	switch machine {
	case elf.EM_X86_64:
		switch elf.R_X86_64(kind) {
		case elf.R_X86_64_64:
			return 8
		case elf.R_X86_64_32, elf.R_X86_64_32S:
			return 4
		}
	case elf.EM_AARCH64:
		switch elf.R_AARCH64(kind) {
		case elf.R_AARCH64_ABS64:
			return 8
		case elf.R_AARCH64_ABS32:
			return 4
		}
	}
	return 0
}
