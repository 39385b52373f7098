// Package ledger tells which slab objects, and which areas of vmalloc, that are alive were allocated on behalf of a module.
//
// It reads /sys/kernel/debug/slab/*/alloc_traces, which a kernel started with slub_debug=U keeps: for every place
// that objects were allocated from, their number, their ages and the whole stack. It works after the module is gone as well:
// what was "func+off [module]" is then a bare address, and the caller knows which belong to the module's text.
//
// Its contract with whoever reads the result: a site is a fact, not yet a leak. The stack is followed from the allocation
// outward only to where an interrupt begins, because what was interrupted is not the cause: on loopback the receiver's
// softirq runs on top of the sender's system call. Objects that the kernel itself keeps (TIME_WAIT, cached routes) are
// marked. What the kernel has only put off, such as what RCU is about to free, is waited for where a request allows it.
package ledger
