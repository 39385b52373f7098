// Command guest is the agent of ktcp: PID 1 of the guest.
//
// It mounts what a module and its user expect, loads the virtio modules that its initramfs carries, says
// [ktcp/guest/wire.Ready] on its virtio-serial port and then answers the host's requests until the guest is thrown away.
// Its contract with the host is the package wire; what the operations do is in the rooms beside this file, and ops.go
// ties the two together.
//
// It never exits, since the kernel panics without PID 1: what it cannot survive it prints on the console, in one line
// that begins with "ktcp-agent: ", and powers the guest off.
package main
