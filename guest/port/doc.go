// Package port is the agent's end of the virtio-serial port: it finds the port by its name, opens it and reads and
// writes it with plain blocking system calls.
//
// Plain, because of clones: a guest restored from a template has to translate every instruction again before it
// answers, so the way from the kernel to the agent's code is kept as short as it can be, without the runtime's network
// poller. And the port is opened once and never closed: data that comes while it is closed is thrown away by the kernel.
package port
