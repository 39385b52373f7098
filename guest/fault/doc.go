// Package fault has allocations fail that the kernel makes on behalf of one system call.
//
// Its contract: /proc/thread-self/fail-nth is set to N right before the call and read right after it, on the
// thread that makes it, so that the Nth allocation of this call fails and no other. The kernel must have
// CONFIG_FAULT_INJECTION with failslab or fail_page_alloc; [Ready] says whether it has.
package fault
