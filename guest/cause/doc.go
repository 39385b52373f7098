// Package cause judges which allocations were made on behalf of a module, and which of them the kernel may keep.
//
// Its one job is that judgement, and there is one of it: the agent applies it to the traces that the kernel prints, the host to
// what it reads from the guest's memory itself. So it is, beside wire, the only package that both import. It knows stacks and
// times, and nothing of where they come from.
//
// A stack is followed from the allocation outward only to where an interrupt begins, because what was interrupted is not the
// cause: on loopback the receiver's softirq runs on top of the sender's system call.
package cause
