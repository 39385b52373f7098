// Package vm hands out guests: it decides which accelerator to believe, boots a kernel under QEMU, keeps the booted
// guest as a template, restores copy-on-write clones from it, speaks to the agent inside, and says what happened
// when a guest hangs or dies.
//
// [Boot] and [Clone] take the same [Spec] and return the same [Guest]. A guest is handed out only after it has
// answered its first request, which gave it its own time and random numbers. [Call] asks it for more. The caller
// must [Guest.Close] it.
//
// Its contract with the guest is ktcp/guest/wire, spoken over one virtio-serial port that is connected before QEMU
// starts and stays so. Its contract with QEMU:
//
//   - A template is a guest that was migrated to files while it ran: the memory into the file that backs it
//     (x-ignore-shared), the devices into a small state. A clone maps that file privately and reads that state; it goes
//     on by itself, with the first request already waiting in its port.
//   - QEMU runs under setpriv --pdeathsig, started by a thread that lives as long as the process: however the process
//     ends, its guests end with it.
//   - The serial console is QEMU's standard input and output.
//
// What this package returns is one of: a [*BootError], a [*DeadError], a [*SilentError], a [*wire.Error] of the operation
// itself, the caller's own context error, or trouble of the place: [ErrNoQEMU], [ErrNoKVM], [cache.ErrUnusable].
//
// The verdict on the accelerator, and the check of a template, are made once per process and Spec.
package vm
