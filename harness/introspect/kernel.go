package introspect

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kernel is what is known of a kernel.
type Kernel struct {
	Symbols *Symbols
	Layout  *Layout
	release string
}

// imageAlign is what a kernel's place in memory is a multiple of, where something moves it at all.
const imageAlign = 2 << 20

// Open finds the kernel in a guest's memory of so many bytes, and returns its addresses as they are now. The error wraps [ErrOtherKernel]
// where it is not there.
func (k *Kernel) Open(memory io.ReaderAt, size uint64) (*Space, error) {
	base, err := locate(k.Symbols, k.release, memory, size)
	if err != nil {
		return nil, err
	}
	return openAt(k.Symbols, memory, base)
}

// locate returns the kernel's phys_base: by how much its image lies above where its addresses say, with 0 for the first of them.
func locate(symbols *Symbols, release string, memory io.ReaderAt, size uint64) (uint64, error) {
	banner, err := symbols.Address("linux_banner")
	if err != nil {
		return 0, err
	}
	want := "Linux version " + release + " "
	text := make([]byte, len(want))
	for base := uint64(0); banner-kernelMap+base+uint64(len(want)) <= size; base += imageAlign {
		if _, err := memory.ReadAt(text, int64(banner-kernelMap+base)); err != nil {
			return 0, err
		}
		if string(text) == want {
			return base, nil
		}
	}
	return 0, fmt.Errorf("%w: %s", ErrOtherKernel, strings.TrimSpace(want))
}

// openAt returns the addresses of a kernel whose phys_base is known.
func openAt(symbols *Symbols, memory io.ReaderAt, base uint64) (*Space, error) {
	root, err := symbols.Address("init_top_pgt")
	if err != nil {
		return nil, err
	}
	const levels = 4
	space := NewSpace(memory, root-kernelMap+base, levels)
	five, err := symbols.Address("__pgtable_l5_enabled")
	if errors.Is(err, ErrNoSymbol) {
		return space, nil // it is built for four levels only
	}
	// Where it is has to be known before addresses can be translated.
	enabled := make([]byte, 1)
	if _, err := memory.ReadAt(enabled, int64(five-kernelMap+base)); err != nil {
		return nil, err
	}
	if enabled[0] != 0 {
		space.levels = levels + 1
	}
	return space, nil
}

// Variable returns the value of a variable of 8 bytes, or instead where the kernel does not have it: what is a variable in
// one configuration is a constant in another.
func (k *Kernel) Variable(s *Space, name string, instead uint64) (uint64, error) {
	addr, err := k.Symbols.Address(name)
	if errors.Is(err, ErrNoSymbol) {
		return instead, nil
	}
	v, err := s.Pointer(addr)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	return v, nil
}
