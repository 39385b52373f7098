package slab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"ktcp/harness/introspect"
)

// depot is where a kernel keeps stacks, each once (lib/stackdepot.c): in pools, by handles that are a pool's number and
// an offset into it.
type depot struct {
	record, parts introspect.Struct
	pools         uint64 // address of the array of pools
	indirect      bool   // it is that of a pointer to the array, which was allocated at boot
	index         string // the member of a handle that numbers its pool
	first         uint64 // what the first pool is numbered
}

const (
	// depotAlign is by how many bits offsets are shortened: records are aligned to 16 bytes.
	depotAlign = 4
	// mostFrames is the depth of stack that no kernel is configured to exceed.
	mostFrames = 256
	// leastArray is a size in bytes that no kernel's array of pools is below, and a pointer is.
	leastArray = 4096
)

// newDepot finds the depot of a kernel, whose members have had several names.
func newDepot(k *introspect.Kernel) (depot, error) {
	var d depot
	var err1, err2, err3 error
	d.record, err1 = k.Layout.Struct("stack_record", "size", "handle", "entries")
	d.parts, err2 = k.Layout.Struct("handle_parts", "offset")
	for _, array := range []string{"stack_slabs", "stack_pools"} {
		if d.pools, err3 = k.Symbols.Address(array); err3 == nil {
			break
		}
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return d, err
	}
	if variable, ok := k.Symbols.Find(d.pools); ok {
		d.indirect = variable.Size < leastArray
	}
	members := []string{"slabindex", "slab_index", "pool_index", "pool_index_plus_1"}
	if i := slices.IndexFunc(members, d.parts.Has); i >= 0 {
		d.index = members[i]
	} else {
		return d, fmt.Errorf("%w: number of a pool in union handle_parts", introspect.ErrNoField)
	}
	if d.index == "pool_index_plus_1" {
		d.first = 1
	}
	return d, nil
}

// reader reads from virtual addresses.
type reader interface {
	Read(b []byte, addr uint64) error
}

// openDepot is the depot of one guest at one moment.
type openDepot struct {
	depot
	space    reader
	concerns func(addr uint64) bool
	known    map[uint32]bool // which stacks hold an address of concern
}

func (d depot) open(space reader, concerns func(addr uint64) bool) *openDepot {
	return &openDepot{depot: d, space: space, concerns: concerns, known: map[uint32]bool{}}
}

// concerned reports whether a stack holds an address of concern.
func (d *openDepot) concerned(handle uint32) (bool, error) {
	if yes, ok := d.known[handle]; ok {
		return yes, nil
	}
	stack, err := d.stack(handle)
	if err != nil {
		return false, err
	}
	yes := slices.ContainsFunc(stack, d.concerns)
	d.known[handle] = yes
	return yes, nil
}

// stack returns the addresses of a stack, innermost first.
func (d *openDepot) stack(handle uint32) ([]uint64, error) {
	raw := binary.LittleEndian.AppendUint32(nil, handle)
	index, offset := d.parts.Of(raw, d.index), d.parts.Of(raw, "offset")
	if index < d.first {
		return nil, fmt.Errorf("%w: stack %#x is in no pool", ErrBooks, handle)
	}
	pools := d.pools
	if d.indirect {
		var err error
		if pools, err = d.pointer(pools); err != nil {
			return nil, fmt.Errorf("find stack %#x: %w", handle, err)
		}
	}
	pool, err := d.pointer(pools + 8*(index-d.first))
	if err != nil {
		return nil, fmt.Errorf("find stack %#x: %w", handle, err)
	}
	if pool == 0 {
		return nil, fmt.Errorf("%w: stack %#x is in pool %d, which is not there", ErrBooks, handle, index)
	}
	at := pool + offset<<depotAlign
	entries := d.record.Fields["entries"].Offset
	head := make([]byte, entries)
	if err := d.space.Read(head, at); err != nil {
		return nil, fmt.Errorf("read stack %#x: %w", handle, err)
	}
	// A record knows its own handle: a layout that is misunderstood is noticed here.
	own := head[d.record.Fields["handle"].Offset:]
	n := d.record.Of(head, "size")
	if d.parts.Of(own, d.index) != index || d.parts.Of(own, "offset") != offset || n > mostFrames {
		return nil, fmt.Errorf("%w: stack %#x is not where its handle says", ErrBooks, handle)
	}
	b := make([]byte, 8*n)
	if err := d.space.Read(b, at+uint64(entries)); err != nil {
		return nil, fmt.Errorf("read stack %#x: %w", handle, err)
	}
	stack := make([]uint64, n)
	for i := range stack {
		stack[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return stack, nil
}

func (d *openDepot) pointer(at uint64) (uint64, error) {
	b := make([]byte, 8)
	err := d.space.Read(b, at)
	return binary.LittleEndian.Uint64(b), err
}
