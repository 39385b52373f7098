package introspect

import (
	"context"
	"errors"
	"testing"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

func TestLearnAKernelThatDoesNotTell(t *testing.T) {
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	s := Source{
		Kernel: &kernel.Kernel{ID: "x", Release: "6.1.0-mine", Build: t.TempDir()}, Cache: c,
		Symbols: func(context.Context) ([]byte, error) { asked++; return []byte(kallsyms), nil },
		Memory:  make(ram, 64<<20), Size: 64 << 20,
	}
	if _, err := Learn(t.Context(), s); !errors.Is(err, ErrNoLayout) || asked > 0 {
		t.Errorf("without BTF and sources: %v, after asking the guest %d times, want %v at once", err, asked, ErrNoLayout)
	}
	// One that has BTF, but whose symbols do not even say where its banner is. It is asked again, because nothing was kept of it.
	s.Kernel.Config = map[string]string{"CONFIG_DEBUG_INFO_BTF": "y"}
	for want := 1; want <= 2; want++ {
		if _, err := Learn(t.Context(), s); !errors.Is(err, ErrNoSymbol) || asked != want {
			t.Errorf("without a banner: %v, after asking the guest %d times, want %v after %d", err, asked, ErrNoSymbol, want)
		}
	}
}

func TestOpenFindsTheKernel(t *testing.T) {
	symbols, err := ParseSymbols([]byte(`ffffffff81000000 T _stext
ffffffff81001000 D init_top_pgt
ffffffff81002000 D linux_banner
ffffffff81003000 D __pgtable_l5_enabled
ffffffff81004000 D variable
ffffffff81005000 B _end
`))
	if err != nil {
		t.Fatal(err)
	}
	k := &Kernel{Symbols: symbols, Layout: newLayout(), release: "6.1.0-mine"}
	for _, tt := range []struct {
		base   uint64
		levels int
	}{{0, 4}, {6 << 20, 4}, {0, 5}} {
		m := &tables{ram: make(ram, 32<<20), root: 16<<20 + 0x1000 + tt.base, levels: tt.levels, next: 0x10000}
		copy(m.ram[16<<20+0x2000+tt.base:], "Linux version 6.1.0-mine (who@where) #1")
		m.ram[16<<20+0x3000+tt.base] = byte(tt.levels - 4)
		m.put(16<<20+0x4000+tt.base, 42)
		m.enter(t, 0xffffffff81000000, 16<<20+tt.base, 1)
		s, err := k.Open(m.ram, uint64(len(m.ram)))
		if err != nil {
			t.Fatalf("%+v: %v", tt, err)
		}
		if got, err := k.Variable(s, "variable", 1); err != nil || got != 42 {
			t.Errorf("%+v: variable = %d, %v, want 42", tt, got, err)
		}
		if got, err := k.Variable(s, "constant", 1); err != nil || got != 1 {
			t.Errorf("%+v: what is no variable = %d, %v, want 1", tt, got, err)
		}
	}
	if _, err := k.Open(make(ram, 32<<20), 32<<20); !errors.Is(err, ErrOtherKernel) {
		t.Errorf("memory without a kernel: %v, want %v", err, ErrOtherKernel)
	}
	other := make(ram, 32<<20)
	copy(other[16<<20+0x2000:], "Linux version 6.1.0-mine2 (who@where) #1")
	if _, err := k.Open(other, 32<<20); !errors.Is(err, ErrOtherKernel) {
		t.Errorf("memory with another kernel: %v, want %v", err, ErrOtherKernel)
	}
}
