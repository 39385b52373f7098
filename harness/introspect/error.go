package introspect

import "errors"

var (
	// ErrNoLayout is returned for kernels that do not say how their structures are laid out: built without BTF, in a tree that does not
	// hold the sources that define them.
	ErrNoLayout = errors.New("the kernel has no BTF, and its tree no sources of its allocator")
	// ErrNoSymbol is returned for symbols that a kernel does not have.
	ErrNoSymbol = errors.New("no such symbol")
	// ErrNoField is returned for structures, or members, that a kernel does not have.
	ErrNoField = errors.New("no such structure or member")
	// ErrUnmapped is returned for virtual addresses that the kernel's page tables do not map.
	ErrUnmapped = errors.New("address is not mapped")
	// ErrOtherKernel is returned for memory in which the kernel that was learned is not found.
	ErrOtherKernel = errors.New("the guest's memory does not hold this kernel")
)
