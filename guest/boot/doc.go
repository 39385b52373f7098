// Package boot makes a bare kernel into a guest: mounts, kernel modules of the initramfs, settings, the loopback
// interface, the reaping of orphans, and the end of a guest that cannot go on.
//
// Its contract: [Up] leaves either all of it done or an error, and [Die] is the only way out of PID 1.
package boot
