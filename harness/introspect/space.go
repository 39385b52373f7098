package introspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Bits of an entry of a page table of x86-64.
const (
	entryPresent = 1 << 0
	entryHuge    = 1 << 7                // maps memory itself, above the lowest level
	entryAddress = 0x000f_ffff_ffff_f000 // what it points to
	pageShift    = 12
	pageSize     = 1 << pageShift
	levelBits    = 9 // of a virtual address, a level
	tableEntries = 1 << levelBits
)

// Space is the kernel's virtual addresses. What was read of page tables, and pages of which little was read, are remembered, so that a
// Space is good for one moment: that in which the guest stands still. It is not safe for concurrent use.
type Space struct {
	memory io.ReaderAt // by physical address
	root   uint64      // physical address of the top table
	levels int         // 4 or 5

	tables map[uint64]*[tableEntries]uint64
	pages  map[uint64]*[pageSize]byte
}

// NewSpace returns the addresses that a page table maps: root is the physical address of the top one of so many levels, 4 or 5.
func NewSpace(memory io.ReaderAt, root uint64, levels int) *Space {
	return &Space{memory: memory, root: root, levels: levels, tables: map[uint64]*[tableEntries]uint64{}, pages: map[uint64]*[pageSize]byte{}}
}

// Physical translates an address. run is how many bytes from there on are mapped in one piece, at least: up to the end of
// the page, which may be a huge one.
func (s *Space) Physical(addr uint64) (physical, run uint64, err error) {
	at := s.root
	for level := s.levels - 1; ; level-- {
		t, err := s.table(at)
		if err != nil {
			return 0, 0, err
		}
		shift := pageShift + levelBits*level
		e := t[addr>>shift%tableEntries]
		if e&entryPresent == 0 {
			return 0, 0, fmt.Errorf("%w: %#x", ErrUnmapped, addr)
		}
		if level == 0 || e&entryHuge != 0 && level <= 2 {
			size := uint64(1) << shift
			within := addr & (size - 1)
			// Of a huge page, low bits of the address are used for something else.
			return e&entryAddress&^(size-1) + within, size - within, nil
		}
		at = e & entryAddress
	}
}

func (s *Space) table(at uint64) (*[tableEntries]uint64, error) {
	if t := s.tables[at]; t != nil {
		return t, nil
	}
	var raw [pageSize]byte
	if _, err := s.memory.ReadAt(raw[:], int64(at)); err != nil {
		return nil, fmt.Errorf("read page table: %w", err)
	}
	t := &[tableEntries]uint64{}
	for i := range t {
		t[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	s.tables[at] = t
	return t, nil
}

// little is what is read from a page that is remembered: most of what is asked for is a pointer, or a small structure.
const little = 512

// Read fills b from a virtual address on. Errors wrap [ErrUnmapped], or what reading the memory failed with.
func (s *Space) Read(b []byte, addr uint64) error {
	for len(b) > 0 {
		physical, run, err := s.Physical(addr)
		if err != nil {
			return err
		}
		n := min(uint64(len(b)), run)
		if err := s.readPhysical(b[:n], physical); err != nil {
			return err
		}
		b, addr = b[n:], addr+n
	}
	return nil
}

func (s *Space) readPhysical(b []byte, physical uint64) error {
	within := physical % pageSize
	if len(b) > little || within+uint64(len(b)) > pageSize {
		_, err := s.memory.ReadAt(b, int64(physical))
		return err
	}
	page := s.pages[physical-within]
	if page == nil {
		page = &[pageSize]byte{}
		if _, err := s.memory.ReadAt(page[:], int64(physical-within)); err != nil {
			return err
		}
		s.pages[physical-within] = page
	}
	copy(b, page[within:])
	return nil
}

// Uint reads a number of size bytes: 1, 2, 4 or 8.
func (s *Space) Uint(addr uint64, size int) (uint64, error) {
	var b [8]byte
	if err := s.Read(b[:size], addr); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// Pointer reads a pointer, or any number of 8 bytes.
func (s *Space) Pointer(addr uint64) (uint64, error) { return s.Uint(addr, 8) }

// mostOfString is the longest string that is read, in bytes: names of functions, with room.
const mostOfString = 1024

// String reads a string that ends in a zero byte.
func (s *Space) String(addr uint64) (string, error) {
	var text []byte
	for len(text) < mostOfString {
		// To the end of the page, which is the end of what is known to be mapped.
		chunk := make([]byte, min(64, pageSize-addr%pageSize))
		if err := s.Read(chunk, addr); err != nil {
			return "", err
		}
		if end := bytes.IndexByte(chunk, 0); end >= 0 {
			return string(append(text, chunk[:end]...)), nil
		}
		text = append(text, chunk...)
		addr += uint64(len(chunk))
	}
	return "", fmt.Errorf("read string at %#x: no end within %d bytes", addr, mostOfString)
}

// mostOfList is the longest list that is followed. One that is longer has been overwritten and goes in circles.
const mostOfList = 1 << 20

// List calls visit with the address of each node of a list (struct list_head) after its head.
func (s *Space) List(head uint64, visit func(node uint64) error) error {
	node, err := s.Pointer(head)
	for n := 0; ; n++ {
		switch {
		case err != nil:
			return fmt.Errorf("follow list at %#x: %w", head, err)
		case node == head:
			return nil
		case n == mostOfList:
			return fmt.Errorf("follow list at %#x: no end after %d nodes", head, n)
		}
		if err := visit(node); err != nil {
			return err
		}
		node, err = s.Pointer(node)
	}
}
