// Package fake makes up kernels in a guest's memory, for tests of what reads those.
//
// Its one job is the part that all of them share: memory, and the page tables that map it. What lies there is the test's.
package fake

import (
	"encoding/binary"
	"fmt"
	"testing"

	"ktcp/harness/introspect"
)

// Where a kernel maps its memory, and its image: the first GiB of the memory is at PageOffset, the first 2 MiB of it at Image.
const (
	PageOffset = 0xffff888000000000
	Image      = 0xffffffff81000000
)

// root is the physical address of the top page table, of so many levels. Memory below 0x5000 is the page tables'.
const (
	root   = 0x1000
	levels = 4
)

// Memory is a guest's, by physical address.
type Memory []byte

// New returns zeroed memory of so many bytes, with page tables.
func New(size int) Memory {
	m := make(Memory, size)
	// One page of 1 GiB for the memory, one of 2 MiB for the image.
	m.Put(root+8*(PageOffset>>39&511), 0x2000|1)
	m.Put(0x2000, 0x80|1)
	m.Put(root+8*511, 0x3000|1)
	m.Put(0x3000+8*510, 0x4000|1)
	m.Put(0x4000+8*8, 0x80|1)
	return m
}

// Put writes a number of 8 bytes.
func (m Memory) Put(at, value uint64) { binary.LittleEndian.PutUint64(m[at:], value) }

// ReadAt implements io.ReaderAt.
func (m Memory) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(b)) > int64(len(m)) {
		return 0, fmt.Errorf("no memory at %#x", off)
	}
	return copy(b, m[off:]), nil
}

// Space returns the addresses that the page tables map.
func (m Memory) Space() *introspect.Space { return introspect.NewSpace(m, root, levels) }

// Kernel returns a kernel with these symbols, as in /proc/kallsyms, and structures.
func Kernel(t testing.TB, symbols string, structs map[string]introspect.Struct) *introspect.Kernel {
	t.Helper()
	s, err := introspect.ParseSymbols([]byte(symbols))
	if err != nil {
		t.Fatal(err)
	}
	return &introspect.Kernel{Symbols: s, Layout: &introspect.Layout{Structs: structs}}
}

// Field is a member of a structure.
func Field(offset, size int) introspect.Field { return introspect.Field{Offset: offset, Size: size} }
