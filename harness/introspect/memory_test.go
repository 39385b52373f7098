package introspect

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// ram is made-up memory, by physical address.
type ram []byte

// ReadAt implements io.ReaderAt.
func (r ram) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(b)) > int64(len(r)) {
		return 0, fmt.Errorf("%d bytes at %#x: no memory", len(b), off)
	}
	return copy(b, r[off:]), nil
}

func (r ram) put(at, value uint64) { binary.LittleEndian.PutUint64(r[at:], value) }

// tables maps pages into the table at root.
type tables struct {
	ram
	root   uint64
	levels int
	next   uint64 // where the next table goes
}

// enter maps virtual to physical by an entry of that level: 0 is a page, 1 one of 2 MiB, 2 one of 1 GiB.
func (t *tables) enter(tb testing.TB, virtual, physical uint64, level int) {
	tb.Helper()
	at := t.root
	for l := t.levels - 1; l > level; l-- {
		slot := at + 8*(virtual>>(12+9*l)&511)
		e := binary.LittleEndian.Uint64(t.ram[slot:])
		if e == 0 {
			// Bits that the kernel and the processor use otherwise: writable, accessed, no execution.
			e = t.next | 1<<63 | 0x23
			t.next += 4096
			t.put(slot, e)
		}
		at = e & 0x000ffffffffff000
	}
	e := physical | 1<<63 | 0x163
	if level > 0 {
		e |= 1 << 7
		e |= 1 << 12 // of a huge page, PAT is where an address has a bit
	}
	t.put(at+8*(virtual>>(12+9*level)&511), e)
}
