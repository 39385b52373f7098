package slab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/introspect"
)

// memory is made-up memory: words by virtual address.
type memory map[uint64]uint64

func (m memory) Read(b []byte, addr uint64) error {
	for i := 0; i < len(b); i += 8 {
		word, ok := m[addr+uint64(i)]
		if !ok {
			return fmt.Errorf("%w: %#x", introspect.ErrUnmapped, addr)
		}
		copy(b[i:], binary.LittleEndian.AppendUint64(nil, word))
	}
	return nil
}

// Both ages of the depot's handles: 21 bits for the pool, and 17 that count pools from 1.
var depots = []struct {
	depot
	name   string
	handle uint32 // of pool 2, record at 0x30
}{
	{depotOf("slabindex", 21, 0), "6.1", 2 | 3<<21 | 1<<31},
	{depotOf("pool_index_plus_1", 17, 1), "6.12", 3 | 3<<17},
}

func depotOf(index string, bits int, first uint64) depot {
	return depot{
		pools: 0xffffffff83000000, index: index, first: first,
		record: introspect.Struct{Size: 24, Fields: map[string]introspect.Field{
			"size": {Offset: 12, Size: 4}, "handle": {Offset: 16, Size: 4}, "entries": {Offset: 24},
		}},
		parts: introspect.Struct{Size: 4, Fields: map[string]introspect.Field{
			index: {Bits: bits}, "offset": {Offset: bits / 8, Shift: bits % 8, Bits: 10 - (bits-17)/4},
		}},
	}
}

func TestStacks(t *testing.T) {
	for _, tt := range depots {
		t.Run(tt.name, func(t *testing.T) {
			const pool = 0xffff888001000000
			m := memory{
				tt.pools + 16: pool, tt.pools + 24: 0,
				pool + 0x30: 0, pool + 0x38: 2 << 32, pool + 0x40: uint64(tt.handle), pool + 0x48: 0xffffffff81000100, pool + 0x50: 0xffffffffc0001000,
			}
			d := tt.open(m, func(addr uint64) bool { return addr >= 0xffffffffc0000000 })
			got, err := d.stack(tt.handle)
			if diff := cmp.Diff([]uint64{0xffffffff81000100, 0xffffffffc0001000}, got); err != nil || diff != "" {
				t.Errorf("%v, stack (-want +got):\n%s", err, diff)
			}
			if yes, err := d.concerned(tt.handle); !yes || err != nil {
				t.Errorf("concerned = %v, %v", yes, err)
			}
			if yes, err := tt.open(m, func(uint64) bool { return false }).concerned(tt.handle); yes || err != nil {
				t.Errorf("concerned = %v, %v, want not", yes, err)
			}
			if _, err := d.stack(tt.handle + 1); !errors.Is(err, ErrBooks) {
				t.Errorf("a pool that is not there: %v, want %v", err, ErrBooks)
			}
			far := tt.depot // in kernels that allocate the array
			far.pools, far.indirect = 0xffffffff84000000, true
			m[far.pools] = tt.pools
			if got, err := far.open(m, nil).stack(tt.handle); err != nil || len(got) != 2 {
				t.Errorf("through a pointer: %#x, %v", got, err)
			}
			m[pool+0x40]++
			if _, err := d.stack(tt.handle); !errors.Is(err, ErrBooks) {
				t.Errorf("a record with another handle: %v, want %v", err, ErrBooks)
			}
			m[pool+0x40]--
			m[pool+0x38] = (mostFrames + 1) << 32
			if _, err := d.stack(tt.handle); !errors.Is(err, ErrBooks) {
				t.Errorf("a stack that is too deep: %v, want %v", err, ErrBooks)
			}
		})
	}
	if _, err := depots[1].open(memory{}, nil).stack(0); !errors.Is(err, ErrBooks) {
		t.Errorf("no pool: %v, want %v", err, ErrBooks)
	}
}
