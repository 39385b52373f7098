package slab

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// cacheBooks is a cache (struct kmem_cache).
type cacheBooks struct {
	name       string
	tracked    bool
	objectSize uint64 // as it was asked for
	size       uint64 // with what surrounds it
	leftPad    uint64 // what is before an object
	offset     uint64 // of the pointer to the next free object, in one that is free
	tracks     uint64 // of the track of the allocation, from an object's start on
	hardened   bool
	random     uint64 // what hardened pointers are mixed with
	nodes      []uint64
}

func (w *walk) readCache(at uint64) (*cacheBooks, error) {
	// The array of nodes at its end is declared for more than the kernel has made room for.
	nodes := w.cache.Fields["node"].Offset
	b := make([]byte, uint64(nodes)+8*w.nodes)
	if err := w.space.Read(b, at); err != nil {
		return nil, fmt.Errorf("read cache: %w", err)
	}
	c := &cacheBooks{
		tracked:    w.cache.Of(b, "flags")&w.storeUser != 0,
		objectSize: w.cache.Of(b, "object_size"),
		size:       w.cache.Of(b, "size"),
		leftPad:    w.cache.Of(b, "red_left_pad"),
		offset:     w.cache.Of(b, "offset"),
		hardened:   w.cache.Has("random"),
		random:     w.cache.Of(b, "random"),
	}
	inuse := w.cache.Of(b, "inuse")
	c.tracks = inuse + w.trackAt
	if c.offset >= inuse { // the pointer lies behind the object, and before the tracks
		c.tracks += 8
	}
	var err error
	if c.name, err = w.space.String(w.cache.Of(b, "name")); err != nil {
		return nil, fmt.Errorf("read cache's name: %w", err)
	}
	if c.tracked && (c.size == 0 || c.leftPad+c.tracks+uint64(w.track.Size) > c.size) {
		return nil, fmt.Errorf("%w: objects of cache %s are %d bytes, their tracks at %d", ErrBooks, c.name, c.size, c.leftPad+c.tracks)
	}
	for i := range w.nodes {
		if n := binary.LittleEndian.Uint64(b[uint64(nodes)+8*i:]); n != 0 {
			c.nodes = append(c.nodes, n)
		}
	}
	return c, nil
}

// objects calls visit with the address and the track of each object of a cache that is allocated.
func (w *walk) objects(c *cacheBooks, visit func(object uint64, track []byte) error) error {
	for _, node := range c.nodes {
		for _, list := range []string{"partial", "full"} {
			err := w.space.List(node+uint64(w.node.Fields[list].Offset), func(at uint64) error {
				return w.slabObjects(c, at-uint64(w.slab.Fields["slab_list"].Offset), visit)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// mostOfSlab is the largest slab that the kernel makes, in bytes.
const mostOfSlab = 4 << 20

// slabObjects does so for one slab, which is a struct page that is used otherwise.
func (w *walk) slabObjects(c *cacheBooks, at uint64, visit func(object uint64, track []byte) error) error {
	head := make([]byte, w.slab.Size)
	if err := w.space.Read(head, at); err != nil {
		return err
	}
	base := w.pageOffset + (at-w.vmemmap)/w.pageSize<<pageShift
	objects := w.slab.Of(head, "objects")
	size := objects * c.size
	if size == 0 || size > mostOfSlab {
		return fmt.Errorf("%w: slab of %d objects of %d bytes at %#x", ErrBooks, objects, c.size, base)
	}
	if uint64(cap(w.buf)) < size {
		w.buf = make([]byte, size)
	}
	b := w.buf[:size]
	if err := w.space.Read(b, base); err != nil {
		return fmt.Errorf("read slab: %w", err)
	}
	free, err := c.free(b, base, w.slab.Of(head, "freelist"))
	if err != nil {
		return err
	}
	for i := range objects {
		if free[i] {
			continue
		}
		object := i*c.size + c.leftPad
		if err := visit(base+object, b[object+c.tracks:][:w.track.Size]); err != nil {
			return err
		}
	}
	return nil
}

// free tells which objects of a slab are free: those on the list that begins at first.
func (c *cacheBooks) free(slab []byte, base, first uint64) ([]bool, error) {
	free := make([]bool, uint64(len(slab))/c.size)
	for p := first; p != 0; {
		i := (p - base) / c.size
		if p < base || i >= uint64(len(free)) || (p-base)%c.size != c.leftPad || free[i] {
			return nil, fmt.Errorf("%w: list of free objects of the slab at %#x leads to %#x", ErrBooks, base, p)
		}
		free[i] = true
		at := p + c.offset
		if at-base+8 > uint64(len(slab)) {
			return nil, fmt.Errorf("%w: free object at %#x reaches out of its slab", ErrBooks, p)
		}
		p = c.decode(binary.LittleEndian.Uint64(slab[at-base:]), at)
	}
	return free, nil
}

// decode returns the pointer that a kernel has stored at an address in a free object, which it may have hardened.
func (c *cacheBooks) decode(stored, at uint64) uint64 {
	if !c.hardened {
		return stored
	}
	return stored ^ c.random ^ bits.ReverseBytes64(at)
}
