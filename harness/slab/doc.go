// Package slab reads, from outside, who allocated the slab objects that are alive in a guest.
//
// Its one job is to know the books of the kernel's allocator, SLUB, and of the depot in which it keeps stacks: it walks from
// slab_caches over the partial and full slabs of each cache to the objects that are not free, from there to their tracks
// (slub_debug=U), and from a track to the stack. With slub_debug=U no processor keeps slabs of its own, so that these lists are all.
// What it returns is what the kernel prints in /sys/kernel/debug/slab/*/alloc_traces, of which ktcp/guest/ledger returns the
// same, a thousand times as slowly. Members are looked for by name, and not by version.
//
// On a kernel with generic KASAN it is more exact than that: objects that were freed, and are kept in quarantine, do not count, so that
// nobody must wait for that to be emptied. Neither do elements that a mempool keeps in reserve, which KASAN treats alike; the pool itself does.
//
// Its contract: the guest stands still meanwhile. A freelist or a stack that makes no sense is an error, [ErrBooks], and never a
// shorter list: its caller may try again, because a guest may be stopped in the midst of an update, and must then call
// itself blind. Which sites are the module's is for ktcp/guest/cause to say.
package slab
