// Package ledger tells which slab objects, areas of vmalloc and pieces of per-CPU memory that are alive were allocated on behalf of a module.
//
// It reads /sys/kernel/debug/slab/*/alloc_traces, which a kernel started with slub_debug=U keeps: for every place
// that objects were allocated from, their number, their ages and the whole stack. It works after the module is gone as well:
// what was "func+off [module]" is then a bare address, and the caller knows which belong to the module's text.
//
// Which of them are the module's is judged by ktcp/guest/cause. Objects that the kernel itself keeps are marked as such. What the
// kernel has only put off, such as what RCU is about to free, is there as long as it is: the host has the kernel settle and asks again.
//
// Its contract with whoever reads the result: a site is a fact, not yet a leak.
//
// To print the traces costs the guest seconds when it is emulated. Where the host can read SLUB's books from the guest's memory
// itself, as ktcp/harness/slab does, it asks this package only to settle the kernel, and for what is beside the slab.
package ledger
