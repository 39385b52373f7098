package introspect

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
)

// Symbols are those of the kernel itself, in the order of their addresses.
type Symbols struct {
	addresses []uint64
	names     [][]byte
	at        map[string]int // only of symbols that were asked for by name
	end       uint64         // where the kernel's image ends
}

// ParseSymbols reads /proc/kallsyms, up to where the modules' symbols begin:
//
//	ffffffff81000000 T _stext
//	ffffffffc0000000 t virtio_init	[virtio]
func ParseSymbols(text []byte) (*Symbols, error) {
	s := &Symbols{at: map[string]int{}}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if bytes.IndexByte(line, '\t') >= 0 {
			break
		}
		address, rest, ok := bytes.Cut(line, []byte{' '})
		if !ok || len(rest) < 3 {
			return nil, fmt.Errorf("malformed line of kallsyms: %q", line)
		}
		a, err := strconv.ParseUint(string(address), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("malformed line of kallsyms: %q", line)
		}
		s.addresses = append(s.addresses, a)
		s.names = append(s.names, rest[2:])
	}
	if len(s.addresses) == 0 || s.addresses[len(s.addresses)-1] == 0 {
		return nil, errors.New("kallsyms shows no addresses")
	}
	if !slices.IsSorted(s.addresses) {
		sort.Stable(byAddress{s})
	}
	for i, n := range s.names {
		if _, seen := s.at[string(n)]; !seen {
			s.at[string(n)] = i
		}
	}
	var err error
	s.end, err = s.Address("_end")
	return s, err
}

type byAddress struct{ *Symbols }

func (s byAddress) Len() int           { return len(s.addresses) }
func (s byAddress) Less(i, j int) bool { return s.addresses[i] < s.addresses[j] }
func (s byAddress) Swap(i, j int) {
	s.addresses[i], s.addresses[j] = s.addresses[j], s.addresses[i]
	s.names[i], s.names[j] = s.names[j], s.names[i]
}

// Address returns where a symbol is: the first of those that share a name. The error wraps [ErrNoSymbol].
func (s *Symbols) Address(name string) (uint64, error) {
	if i, ok := s.at[name]; ok {
		return s.addresses[i], nil
	}
	return 0, fmt.Errorf("%w: %s", ErrNoSymbol, name)
}

// Room returns how many bytes there are from a symbol's address up to the next symbol: at least the size of what it names. Addresses of variables
// that each processor has its own of are relative.
func (s *Symbols) Room(addr uint64) uint64 {
	next := sort.Search(len(s.addresses), func(i int) bool { return s.addresses[i] > addr })
	if next == len(s.addresses) {
		return 0
	}
	return s.addresses[next] - addr
}

// Place is an address as the kernel prints it: func+offset/size.
type Place struct {
	Func         string
	Offset, Size uint64
}

// kernelMap is where the kernel's image is mapped.
const kernelMap = 0xffffffff80000000

// Find returns the place of an address in the kernel's image, as the kernel itself would: of symbols with the same address, the first,
// whose size reaches up to the next address that has one.
func (s *Symbols) Find(addr uint64) (Place, bool) {
	if addr < kernelMap || addr >= s.end {
		return Place{}, false
	}
	next := sort.Search(len(s.addresses), func(i int) bool { return s.addresses[i] > addr })
	if next == 0 || next == len(s.addresses) {
		return Place{}, false
	}
	start := s.addresses[next-1]
	first := sort.Search(next, func(i int) bool { return s.addresses[i] >= start })
	return Place{Func: string(s.names[first]), Offset: addr - start, Size: s.addresses[next] - start}, true
}
