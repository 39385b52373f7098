// Package survivors takes a snapshot of everything that could outlive a module: kernel threads, TCP sockets in every
// namespace, entries of sysfs and procfs. Whoever takes two of them, one before a module is loaded and one after it is
// gone, sees what it left behind.
//
// Its contract: two snapshots of an undisturbed kernel are equal, but for kernel workers, which come and go. Entries of
// a namespace other than the initial one are written NAME:PATH.
package survivors
