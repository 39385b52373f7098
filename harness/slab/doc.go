// Package slab reads, from outside, who allocated the slab objects and the pages that are alive in a guest.
//
// Its one job is to know the books of the kernel's allocators, and of the depot in which they keep stacks. SLUB's: it walks from
// slab_caches over the partial and full slabs of each cache to the objects that are not free, from there to their tracks
// (slub_debug=U), and from a track to the stack. With slub_debug=U no processor keeps slabs of its own, so that these lists are all.
// What it returns is what the kernel prints in /sys/kernel/debug/slab/*/alloc_traces, of which ktcp/guest/ledger returns the
// same, a thousand times as slowly. Members are looked for by name, and not by version.
//
// On a kernel with generic KASAN it is more exact than that: objects that were freed, and are kept in quarantine, do not count, so that
// nobody must wait for that to be emptied. Neither do elements that a mempool keeps in reserve, which KASAN treats alike; the pool itself does.
//
// Pages, with page_owner=on on the kernel's command line: whoever is the first on a page's stack that is not the page allocator's own, or
// kmalloc's, has taken it. Where that is the module the page is the module's to give back, and nobody else's, although the
// kernel takes many on its behalf that it keeps: for slabs, for the files that it reads, for page tables.
//
// Its contract: the guest stands still meanwhile. A freelist or a stack that makes no sense is an error, [ErrBooks], and never a
// shorter list: its caller may try again, because a guest may be stopped in the midst of an update, and must then call
// itself blind. Which sites are the module's is for ktcp/guest/cause to say.
package slab
