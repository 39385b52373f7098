// Package fault has allocations fail that the kernel makes on behalf of one system call, or on its own threads.
//
// Its contract: a thread's fail-nth in procfs is set to N right before, on the thread that makes the call or on each of the
// kernel's, and read right after, so that the Nth allocation from there on fails and no other. The kernel must have
// CONFIG_FAULT_INJECTION with failslab or fail_page_alloc; [Ready] says whether it has.
package fault
