package introspect

import (
	"errors"
	"testing"
)

const kallsyms = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000040 t start
ffffffff81000100 T alias_one
ffffffff81000100 T alias_two
ffffffff81000180 T last
ffffffff82000000 D slab_caches
ffffffff83000000 B _end
ffffffffc0000000 t virtio_init	[virtio]
`

func TestSymbols(t *testing.T) {
	s, err := ParseSymbols([]byte(kallsyms))
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Address("slab_caches"); err != nil || a != 0xffffffff82000000 {
		t.Errorf("slab_caches is at %#x, %v", a, err)
	}
	for _, name := range []string{"virtio_init", "nothing"} {
		if _, err := s.Address(name); !errors.Is(err, ErrNoSymbol) {
			t.Errorf("%s: %v, want %v", name, err, ErrNoSymbol)
		}
	}
	for _, tt := range []struct {
		addr uint64
		want Place
	}{
		{0xffffffff81000000, Place{"_stext", 0, 0x40}},
		{0xffffffff8100003f, Place{"_stext", 0x3f, 0x40}},
		{0xffffffff81000041, Place{"start", 1, 0xc0}},
		{0xffffffff81000123, Place{"alias_one", 0x23, 0x80}},
		{0xffffffff81000180, Place{"last", 0, 0xfffe80}},
		{0x10, Place{}}, {0xffffffff83000000, Place{}}, {0xffffffffc0000000, Place{}},
	} {
		if got, ok := s.Find(tt.addr); got != tt.want || ok != (tt.want.Func != "") {
			t.Errorf("%#x is %+v, %v, want %+v", tt.addr, got, ok, tt.want)
		}
	}
}

func TestSymbolsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "what\n", "zzzz T start\n",
		"0000000000000000 T _stext\n0000000000000000 B _end\n", // to whom the kernel shows no addresses
		"ffffffff81000000 T _stext\n",                          // cut off
	} {
		if _, err := ParseSymbols([]byte(text)); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}
