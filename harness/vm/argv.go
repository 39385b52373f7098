package vm

import (
	"fmt"
	"strconv"
	"strings"

	"ktcp/guest/wire"
)

// Accel is what executes the guest's instructions.
type Accel string

const (
	// KVM is the host's hardware virtualization.
	KVM Accel = "kvm"
	// TCG is QEMU's translator: slow, and available everywhere.
	TCG Accel = "tcg"
)

// board is QEMU's machine, without what no guest of ours has a use for.
const board = "q35"

// IDs of devices and their host side on QEMU's command line.
const (
	idConsole = "console"
	idAgent   = "agent"
	idMonitor = "monitor"
	idMemory  = "ram"
)

// shape is the part of a guest that its template and its clones must have in common: their saved state would not fit
// otherwise.
type shape struct {
	accel     Accel
	clock     Clock
	cpus      int
	memoryMiB int
}

// wiring is the part that differs from start to start: the descriptors that QEMU inherits.
type wiring struct {
	agentFD   int // a connected socket
	monitorFD int // a listening socket
	// ramFD is the file that holds the guest's memory, 0 for anonymous memory.
	ramFD int
	// shared writes the guest's memory through to the file: a template. Otherwise it is copied on write.
	shared bool
	// incoming has QEMU wait for a saved state instead of starting the firmware: a clone.
	incoming bool
}

// qemuArgs is QEMU's command line without -kernel, -initrd and -append, which only a guest that boots has.
func qemuArgs(s shape, w wiring) []string {
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", board + ",memory-backend=" + idMemory + ",mem-merge=off,dump-guest-core=off," +
			"graphics=off,vmport=off,smbus=off,sata=off,i8042=off,hpet=off",
	}
	switch {
	case s.accel == KVM:
		args = append(args, "-accel", "kvm", "-cpu", "host")
	case s.clock == Instructions:
		args = append(args, "-accel", "tcg,thread=single", "-cpu", tcgCPU, "-icount", "shift=0,sleep=off")
	default:
		args = append(args, "-accel", "tcg,thread=multi", "-cpu", tcgCPU)
	}
	args = append(args,
		"-smp", strconv.Itoa(s.cpus),
		"-m", strconv.Itoa(s.memoryMiB),
		"-object", memoryObject(s, w),
		"-chardev", "stdio,id="+idConsole+",signal=off",
		"-serial", "chardev:"+idConsole,
		"-chardev", fmt.Sprintf("socket,id=%s,fd=%d", idAgent, w.agentFD),
		// Port 0 is reserved for a console, and each port costs two queues: room for one port beside it.
		"-device", "virtio-serial-pci,max_ports=2,disable-legacy=on",
		"-device", "virtserialport,id="+idAgent+",chardev="+idAgent+",name="+portName,
		"-chardev", fmt.Sprintf("socket,id=%s,fd=%d,server=on,wait=off", idMonitor, w.monitorFD),
		"-mon", "chardev="+idMonitor+",mode=control",
	)
	if w.incoming {
		args = append(args, "-incoming", "defer")
	}
	return args
}

// tcgCPU is what TCG pretends to be.
const tcgCPU = "qemu64"

func memoryObject(s shape, w wiring) string {
	if w.ramFD == 0 {
		return fmt.Sprintf("memory-backend-ram,id=%s,size=%dM", idMemory, s.memoryMiB)
	}
	share := "off"
	if w.shared {
		share = "on"
	}
	// The file by descriptor: it may be dropped from the cache at any time, and its name may hold a comma.
	return fmt.Sprintf("memory-backend-file,id=%s,size=%dM,mem-path=/proc/self/fd/%d,share=%s",
		idMemory, s.memoryMiB, w.ramFD, share)
}

// kernelArgs is the kernel's command line.
//
//   - panic=-1 with QEMU's -no-reboot: a panic ends the guest at once, after it was printed
//   - nokaslr: addresses can be compared between guests
//   - mitigations=off: the guest holds no secrets, and under TCG a retpoline is a slow jump
//   - sysrq_always_enabled: evidence can be asked for over the console
//   - pty.legacy_count=0: or sysfs has 512 terminals that nobody uses, which the survivors oracle would list each time
//   - psi=0, GODEBUG: less for a clone to translate before it can answer. The latter is for the agent, whose threads
//     would otherwise send each other signals because they run so slowly, and look every second for a change in the number of CPUs
//   - GOMAXPROCS: for the agent, see its quietRuntime: one for the thread that waits for requests, one for what is being done, and one
//     for what is blocked in the kernel
//   - ktcp.clock=instructions: for the agent, see guest/idle
//   - norandmaps, on that clock: programs lie where they lay the last time, so that they take as long
//   - tsc=reliable, under TCG: without it every look at the clock is a trap to QEMU for the ACPI timer
func kernelArgs(s shape, extra []string) string {
	args := []string{
		"console=ttyS0", "panic=-1", "nokaslr", "mitigations=off", "sysrq_always_enabled", "pty.legacy_count=0", "psi=0",
		"GODEBUG=asyncpreemptoff=1,updatemaxprocs=0,containermaxprocs=0", "GOMAXPROCS=3",
	}
	if s.accel == TCG {
		args = append(args, "tsc=reliable")
	}
	if s.clock == Instructions {
		args = append(args, wire.ClockParameter, "norandmaps")
	}
	return strings.Join(append(args, extra...), " ")
}

// guard is a shell command line that runs the arguments after it under the lifetime of the process parent: the kernel kills it
// when the thread that started it ends, and where the parent has died even before that was arranged it does not start.
func guard(parent int) []string {
	return []string{
		"--pdeathsig", "KILL", "--", "/bin/sh", "-c",
		`test "$PPID" = "$0" || exit 1; GLIBC_TUNABLES=` + tunables + ` exec "$@"`, strconv.Itoa(parent),
	}
}

// guardCommand arranges that QEMU dies with its parent.
const guardCommand = "setpriv"

// tunables let QEMU's heap live in huge pages, and what is large outside of it, where giving it back is cheap: half of
// the page faults of QEMU's start are the heap's.
const tunables = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=131072"
