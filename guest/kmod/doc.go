// Package kmod loads and unloads kernel modules and tells what is loaded.
//
// Its contract: a refusal carries the kernel's errno; why it refused is in the kernel log. Unloading has a deadline:
// when it passes, the thread that waits in the kernel stays behind, its kernel stack is the answer, and a later
// request to unload the same module joins it instead of asking the kernel, which would only say EBUSY.
package kmod
