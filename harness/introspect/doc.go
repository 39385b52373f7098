// Package introspect reads a guest's kernel from the guest's memory, as a debugger does that needs no help from inside.
//
// Its one job is to know the kernel: [Learn] collects its symbols and the layouts of a few of its structures, once, and keeps them in
// the cache; [Kernel.Open] finds that kernel in a guest's memory and returns a [Space], its virtual addresses. What a structure
// means is for others to know: see ktcp/harness/slab.
//
// Symbols come from /proc/kallsyms, which the agent reads. Guests boot with nokaslr, so they are the same in all. Layouts come
// from the kernel's own BTF, which is in its memory, or else from DWARF: of the few of its source files that define them, compiled again
// as that kernel was configured. A kernel with neither is [ErrNoLayout]. Every guest is checked to run the kernel that was learned before anything else of it is believed.
package introspect
