// Package files reads, writes and lists files for the host: mostly attributes of sysfs and procfs, through which
// modules are controlled.
//
// Its contract: a request is carried out on a thread inside the namespace that it names, and an errno reaches the
// host as the kernel gave it. A write is one write(2), because an attribute's store callback is called for each.
package files
