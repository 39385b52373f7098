package slab

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"testing"
)

const base = 0xffff888003000000

// slabOf returns a slab of a cache in which the objects numbered are free, in this order, and the pointer to the first.
func slabOf(c *cacheBooks, objects int, free ...uint64) ([]byte, uint64) {
	b := make([]byte, uint64(objects)*c.size)
	for i := range b {
		b[i] = 0x6b // a byte that leads nowhere
	}
	place := func(i uint64) uint64 { return base + i*c.size + c.leftPad }
	for n, i := range free {
		var next uint64
		if n+1 < len(free) {
			next = place(free[n+1])
		}
		at := place(i) + c.offset
		if c.hardened {
			next ^= c.random ^ bits.ReverseBytes64(at)
		}
		binary.LittleEndian.PutUint64(b[at-base:], next)
	}
	if len(free) == 0 {
		return b, 0
	}
	return b, place(free[0])
}

func TestFreeObjects(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cache cacheBooks
	}{
		{"plain", cacheBooks{size: 192, offset: 128}},
		{"hardened", cacheBooks{size: 192, offset: 128, hardened: true, random: 0x0123456789abcdef}},
		{"behind the object, with a red zone before it", cacheBooks{size: 256, leftPad: 64, offset: 72, hardened: true, random: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, free := range [][]uint64{nil, {3}, {7, 0, 5}, {0, 1, 2, 3, 4, 5, 6, 7}} {
				slab, first := slabOf(&tt.cache, 8, free...)
				got, err := tt.cache.free(slab, base, first)
				if err != nil {
					t.Fatalf("%v free: %v", free, err)
				}
				for i, is := range got {
					if is != slices.Contains(free, uint64(i)) {
						t.Errorf("of %v, object %d is free: %v", free, i, is)
					}
				}
			}
		})
	}
}

func TestBrokenFreelists(t *testing.T) {
	c := cacheBooks{size: 192, offset: 128}
	for name, next := range map[string]uint64{
		"leads out of the slab":     base + 8*192,
		"leads before the slab":     base - 192,
		"leads between two objects": base + 100,
		"goes in circles":           base + 7*192,
	} {
		slab, first := slabOf(&c, 8, 7, 2)
		binary.LittleEndian.PutUint64(slab[2*192+128:], next)
		if _, err := c.free(slab, base, first); !errors.Is(err, ErrBooks) {
			t.Errorf("a list that %s: %v, want %v", name, err, ErrBooks)
		}
	}
	outside := cacheBooks{size: 192, offset: 190}
	slab := make([]byte, 2*192)
	if _, err := outside.free(slab, base, base+192); !errors.Is(err, ErrBooks) {
		t.Errorf("a pointer that reaches out of the slab: %v, want %v", err, ErrBooks)
	}
}

func TestWrongRandomIsNoticed(t *testing.T) {
	c := cacheBooks{size: 192, offset: 128, hardened: true, random: 0x0123456789abcdef}
	slab, first := slabOf(&c, 8, 7, 2)
	c.random++
	if _, err := c.free(slab, base, first); !errors.Is(err, ErrBooks) {
		t.Errorf("%v, want %v", err, ErrBooks)
	}
}
