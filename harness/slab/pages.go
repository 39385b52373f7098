package slab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
	"ktcp/harness/introspect"
)

// pageBooks is where a kernel with page_owner=on keeps who allocated each page (mm/page_owner.c): beside the array of struct page, section by
// section, a second one of struct page_ext, to each of which a struct page_owner is appended.
type pageBooks struct {
	section, ext introspect.Struct
	sections     uint64 // address of the pointer to the table of sections' tables
	size         uint64 // address of how far apart two struct page_ext are
	owner        uint64 // address of how far behind its struct page_ext a struct page_owner is
	on           uint64 // address of the static key that tells whether the kernel keeps them
	allocated    uint64 // the flag of pages that are in use
}

// struct page_owner begins so since 5.4, and is known to nobody outside of its source:
//
//	unsigned short order; short last_migrate_reason; gfp_t gfp_mask; depot_stack_handle_t handle, free_handle; u64 ts_nsec;
const (
	ownerOrder, ownerHandle, ownerTime, ownerHead = 0, 8, 16, 24
)

const (
	// sectionShift and rootSize are SECTION_SIZE_BITS of x86-64 and the size of a section's table, a page.
	sectionShift = 27
	rootSize     = 1 << pageShift
	// invalidExt marks the pointer to an array that is being taken down: PAGE_EXT_INVALID.
	invalidExt = 1
	// mostOrder is beyond what the page allocator gives out in one piece.
	mostOrder = 20
	// mostExt is larger than a struct page_ext with all that can be appended to it, in bytes.
	mostExt = 4096
)

// newPageBooks finds the books of a kernel. One that has none, by its configuration, is no error.
func newPageBooks(k *introspect.Kernel, config map[string]string) (*pageBooks, error) {
	if config["CONFIG_PAGE_OWNER"] != "y" || config["CONFIG_SPARSEMEM_EXTREME"] != "y" {
		return nil, nil
	}
	need := k.Lookup()
	p := &pageBooks{
		section:  need.Struct("mem_section", "page_ext"),
		ext:      need.Struct("page_ext", "flags"),
		sections: need.Address("mem_section"),
		size:     need.Address("page_ext_size"),
		owner:    need.Address("page_owner_ops") + need.Offset("page_ext_operations", "offset"),
		on:       need.Address("page_owner_inited"),
	}
	bit, ok := k.Layout.Values["PAGE_EXT_OWNER_ALLOCATED"]
	if !ok {
		return nil, fmt.Errorf("%w: enumerator PAGE_EXT_OWNER_ALLOCATED", introspect.ErrNoField)
	}
	p.allocated = 1 << bit
	if err := need.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// takers are the functions, without what compilers and 6.10 (_noprof) append to their names, by which somebody gets pages for himself. What
// calls them is who must give the pages back. Of pages that others take meanwhile, for slabs, files, page tables or sockets, it is the
// kernel that does.
var takers = []string{
	"post_alloc_hook", "prep_new_page", "get_page_from_freelist", "__alloc_pages", "__alloc_pages_slowpath", "__alloc_frozen_pages",
	"alloc_pages", "alloc_pages_mpol", "alloc_page_interleave", "alloc_pages_preferred_many", "alloc_pages_node", "__alloc_pages_node",
	"folio_alloc", "__folio_alloc", "__folio_alloc_node", "__get_free_pages", "get_free_pages", "get_zeroed_page",
	"alloc_pages_exact", "alloc_pages_exact_nid", "make_alloc_exact", "__alloc_pages_bulk", "alloc_pages_bulk", "alloc_pages_bulk_array_mempolicy",
	// kmalloc of more than a slab's largest object.
	"kmalloc_large", "kmalloc_large_node", "__kmalloc_large", "__kmalloc_large_node", "___kmalloc_large_node", "kmalloc_order", "kmalloc_order_trace",
	"__kmalloc", "__kmalloc_node", "__do_kmalloc_node", "kmalloc_node", "__kmalloc_node_track_caller", "__kmalloc_track_caller",
	"kvmalloc_node", "__kvmalloc_node", "krealloc", "__do_krealloc", "kvrealloc", "kmemdup", "kvmemdup",
	"mempool_alloc_pages", "mempool_kmalloc", "mempool_alloc", "mempool_init", "mempool_init_node", "mempool_create", "mempool_create_node", "mempool_resize",
}

// takes reports whether a frame is on the way from the page allocator to who has asked it.
func takes(f wire.StackFrame) bool {
	name, _, _ := strings.Cut(f.Func, ".")
	return f.Module == "" && slices.Contains(takers, strings.TrimSuffix(name, "_noprof"))
}

// pageKey tells pages apart that were not allocated alike.
type pageKey struct {
	handle uint32
	order  uint64
}

// pageSite is what is known of those that were.
type pageSite struct {
	pages            uint64
	youngest, oldest time.Duration // when they were allocated, on the scheduler's clock
}

// pages returns the sites of pages that the module took from the page allocator and has not given back, those with most first. Nothing
// where the kernel does not keep who took them.
func (w *walk) pages() ([]wire.Site, error) {
	p := w.Reader.pages
	if p == nil {
		return nil, nil
	}
	on, err := w.space.Uint(p.on, 4)
	if err != nil || on == 0 {
		return nil, err
	}
	found, err := w.owners()
	if err != nil {
		return nil, err
	}
	var sites []wire.Site
	for key, s := range found {
		addrs, err := w.depot.stack(key.handle)
		if err != nil {
			return nil, err
		}
		stack, err := w.namer.frames(addrs)
		if err != nil {
			return nil, err
		}
		taker := slices.IndexFunc(stack, func(f wire.StackFrame) bool { return !takes(f) })
		// Only who took them himself: with it the innermost frame that is left must be the module's.
		if taker < 0 || !w.module.Counts(stack[taker:taker+1], w.taken(s.youngest), w.taken(s.oldest)) {
			continue
		}
		sites = append(sites, wire.Site{
			Cache: "pages", Count: int(max(s.pages>>key.order, 1)), Size: 1 << pageShift << key.order, Stack: stack,
			AgeMin: max(w.now-s.youngest, 0), AgeMax: max(w.now-s.oldest, 0),
		})
	}
	sortSites(sites)
	return sites, nil
}

// clocksApart is how much the scheduler's clock, by which pages are dated, may differ from CLOCK_MONOTONIC: it begins earlier in the boot.
const clocksApart = time.Second

// taken is when pages were that the scheduler's clock dates so.
func (w *walk) taken(at time.Duration) cause.Span {
	return cause.Span{Earliest: at - clocksApart, Latest: at + clocksApart}
}

// owners reads the books of all pages and returns those in use whose stacks are of concern.
func (w *walk) owners() (map[pageKey]*pageSite, error) {
	p := w.Reader.pages
	size, err1 := w.space.Pointer(p.size)
	owner, err2 := w.space.Pointer(p.owner)
	roots, err3 := w.space.Pointer(p.sections)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("find who owns pages: %w", err)
	}
	if size > mostExt || owner+ownerHead > size {
		return nil, fmt.Errorf("%w: what is known of a page takes %d bytes, its owner at %d", ErrBooks, size, owner)
	}
	// One table is good for 16 GiB, more than a guest has.
	root, err := w.space.Pointer(roots)
	if err != nil {
		return nil, fmt.Errorf("find sections of memory: %w", err)
	}
	table := make([]byte, rootSize)
	if err := w.space.Read(table, root); err != nil {
		return nil, fmt.Errorf("read sections of memory: %w", err)
	}
	const perSection = 1 << (sectionShift - pageShift)
	var books []byte
	found, owned := map[pageKey]*pageSite{}, 0
	for i := 0; (i+1)*p.section.Size <= rootSize; i++ {
		ext := p.section.Of(table[i*p.section.Size:], "page_ext")
		if ext == 0 || ext&invalidExt != 0 {
			continue
		}
		if books == nil {
			books = make([]byte, perSection*size)
		}
		// The pointer is that of page 0, as if there were one array for all.
		if err := w.space.Read(books, ext+uint64(i)*perSection*size); err != nil {
			return nil, fmt.Errorf("read who owns the pages of section %d: %w", i, err)
		}
		for b := books; len(b) > 0; b = b[size:] {
			if p.ext.Of(b, "flags")&p.allocated == 0 {
				continue
			}
			owned++
			if err := w.note(found, b[owner:]); err != nil {
				return nil, err
			}
		}
	}
	if owned == 0 {
		return nil, fmt.Errorf("%w: nobody owns any page", ErrBooks)
	}
	return found, nil
}

// note takes down a page whose struct page_owner is at the beginning of b.
func (w *walk) note(found map[pageKey]*pageSite, b []byte) error {
	key := pageKey{handle: binary.LittleEndian.Uint32(b[ownerHandle:]), order: uint64(binary.LittleEndian.Uint16(b[ownerOrder:]))}
	if key.handle == 0 { // there was no memory for its stack, or none yet
		return nil
	}
	if key.order > mostOrder {
		return fmt.Errorf("%w: pages of order %d", ErrBooks, key.order)
	}
	concerned, err := w.depot.concerned(key.handle)
	if err != nil || !concerned {
		return err
	}
	at := time.Duration(binary.LittleEndian.Uint64(b[ownerTime:]))
	s := found[key]
	if s == nil {
		s = &pageSite{youngest: at, oldest: at}
		found[key] = s
	}
	s.pages++
	s.youngest, s.oldest = max(s.youngest, at), min(s.oldest, at)
	return nil
}
