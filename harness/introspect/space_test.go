package introspect

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	direct  = 0xffff888000000000
	vmalloc = 0xffffc90000000000
	memmap  = 0xffffea0000000000
)

func TestSpaceWalksAllKindsOfPages(t *testing.T) {
	for _, levels := range []int{4, 5} {
		t.Run(fmt.Sprint(levels, " levels"), func(t *testing.T) {
			m := &tables{ram: make(ram, 8<<20), root: 0x1000, levels: levels, next: 0x10000}
			m.enter(t, direct, 0, 2)            // 1 GiB
			m.enter(t, memmap, 0x400000, 1)     // 2 MiB
			m.enter(t, vmalloc, 0x203000, 0)    // two pages that lie apart
			m.enter(t, vmalloc+4096, 0x5000, 0) //
			m.put(0x203008, 1)
			m.put(0x400010, 2)
			m.put(0x204000-8, 0x1122334455667788)
			m.put(0x5000, 0x99aabbccddeeff00)
			s := NewSpace(m.ram, m.root, levels)
			for _, tt := range []struct{ addr, want uint64 }{
				{vmalloc + 8, 1}, {direct + 0x203008, 1}, {memmap + 0x10, 2}, {direct + 0x400010, 2},
				{vmalloc + 4092, 0xddeeff0011223344}, // across two pages
			} {
				if got, err := s.Pointer(tt.addr); err != nil || got != tt.want {
					t.Errorf("%#x holds %#x, %v, want %#x", tt.addr, got, err, tt.want)
				}
			}
			for _, tt := range []struct{ addr, run uint64 }{{vmalloc + 8, 4088}, {memmap + 4096, 2<<20 - 4096}, {direct + 1, 1<<30 - 1}} {
				if _, run, err := s.Physical(tt.addr); err != nil || run != tt.run {
					t.Errorf("from %#x on %#x bytes are mapped, %v, want %#x", tt.addr, run, err, tt.run)
				}
			}
			for _, addr := range []uint64{vmalloc + 8192, memmap + 2<<20, 0, 0xffffffff81000000} {
				if _, err := s.Pointer(addr); !errors.Is(err, ErrUnmapped) {
					t.Errorf("%#x: %v, want %v", addr, err, ErrUnmapped)
				}
			}
			if err := s.Read(make([]byte, 8192), vmalloc+4096); !errors.Is(err, ErrUnmapped) {
				t.Errorf("half of what was read is not mapped: %v, want %v", err, ErrUnmapped)
			}
			if _, err := s.Pointer(direct + 64<<20); err == nil || errors.Is(err, ErrUnmapped) {
				t.Errorf("mapped, but where there is no memory: %v", err)
			}
		})
	}
}

// flat is a space in which the direct map is all there is.
func flat(tb testing.TB) (*tables, *Space) {
	m := &tables{ram: make(ram, 4<<20), root: 0x1000, levels: 4, next: 0x10000}
	m.enter(tb, direct, 0, 2)
	return m, NewSpace(m.ram, m.root, 4)
}

func TestSpaceStrings(t *testing.T) {
	m, s := flat(t)
	long := strings.Repeat("x", 100)
	copy(m.ram[0x102fe0:], long)
	if got, err := s.String(direct + 0x102fe0); err != nil || got != long {
		t.Errorf("string = %q, %v", got, err)
	}
	copy(m.ram[0x104000:], strings.Repeat("y", 4096))
	if _, err := s.String(direct + 0x104000); err == nil {
		t.Error("no error for a string without an end")
	}
}

func TestSpaceLists(t *testing.T) {
	m, s := flat(t)
	head, a, b := uint64(0x200000), uint64(0x200100), uint64(0x200200)
	m.put(head, direct+a)
	m.put(a, direct+b)
	m.put(b, direct+head)
	var got []uint64
	visit := func(node uint64) error { got = append(got, node); return nil }
	if err := s.List(direct+head, visit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{direct + a, direct + b}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	m.put(b, direct+a)                                 // never back to the head
	_, s = flat(t)                                     // has read nothing yet
	s.memory = m.ram                                   //
	if err := s.List(direct+head, visit); err == nil { // and does end
		t.Error("no error for a list that goes in circles")
	}
	stop := errors.New("stop")
	if err := s.List(direct+head, func(uint64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want what the visitor said", err)
	}
}
