package vm

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ktcp/harness/cache"
	"ktcp/harness/image"
	"ktcp/harness/kernel"
)

// Clock says what time is in a guest.
type Clock string

const (
	// Realtime is the host's time, on two processors by default: for races.
	Realtime Clock = "realtime"
	// Instructions is a clock that counts the guest's instructions, on one emulated processor. Time in which the guest
	// waits is skipped. For benchmarks that repeat and timeouts that cost no time.
	Instructions Clock = "instructions"
)

// Defaults of [Spec].
const (
	// DefaultMemory fits the kernel with generic KASAN, whose shadow takes an eighth, and 10,000 connections.
	DefaultMemory      = 512 // MiB
	DefaultBootTimeout = 3 * time.Minute
	// DefaultBootTimeoutInstructions is for the clock of instructions: all devices and the processor share one of the
	// host's threads, which may have to share its processor with much else.
	DefaultBootTimeoutInstructions = 12 * time.Minute
	DefaultRestoreTimeout          = time.Minute
	DefaultRequestTimeout          = 30 * time.Second
	// DefaultProbeTimeout is enough for a guest under KVM ten times over.
	DefaultProbeTimeout = 20 * time.Second
)

// Spec says which guest is wanted. Kernel, Image and Cache are needed.
type Spec struct {
	Kernel *kernel.Kernel // Image and ID are used
	Image  *image.Image   // the initramfs with the agent
	Cache  *cache.Dir

	// CPUs is the number of processors: by default 2, and 1 on the clock [Instructions], which allows no more.
	CPUs int
	// MemoryMiB is the guest's memory in MiB, [DefaultMemory] by default.
	MemoryMiB int
	// Clock is [Realtime] by default.
	Clock Clock
	// Append is added to the kernel's command line, one parameter an element: "slub_debug=U".
	Append []string

	// Console is the file that the guest's console is written to, line by line as it comes. It may be "".
	Console string
	// Logf says what is being done where it takes time. It may be nil.
	Logf func(format string, args ...any)

	// QEMU is the emulator, by default qemu-system-x86_64 from PATH.
	QEMU string

	// The watchdogs, in the host's time. [WithTimeout] sets that of a single request.
	BootTimeout    time.Duration // from start to the first answer
	RestoreTimeout time.Duration // the same for a clone
	RequestTimeout time.Duration // of each request
	ProbeTimeout   time.Duration // for a guest to boot before KVM is believed
}

// Validate reports what is missing or impossible in s.
func (s Spec) Validate() error {
	switch {
	case s.Kernel == nil || s.Kernel.Image == "" || s.Kernel.ID == "":
		return errors.New("vm: Spec.Kernel has no image or no ID")
	case s.Image == nil || s.Image.Path == "" || s.Image.ID == "":
		return errors.New("vm: Spec.Image has no path or no ID")
	case s.Cache == nil:
		return errors.New("vm: Spec.Cache is not set")
	case s.CPUs < 0 || s.CPUs > 255:
		return fmt.Errorf("vm: Spec.CPUs is %d, want 1 to 255 or 0 for the default", s.CPUs)
	case s.Clock == Instructions && s.CPUs > 1:
		return fmt.Errorf("vm: Spec.CPUs is %d: the instruction clock allows 1", s.CPUs)
	case s.Clock != "" && s.Clock != Realtime && s.Clock != Instructions:
		return fmt.Errorf("vm: Spec.Clock is %q, want %q or %q", s.Clock, Realtime, Instructions)
	case s.MemoryMiB < 0 || s.MemoryMiB > 0 && s.MemoryMiB < 64:
		return fmt.Errorf("vm: Spec.MemoryMiB is %d, want 64 or more, or 0 for the default", s.MemoryMiB)
	case s.BootTimeout < 0 || s.RestoreTimeout < 0 || s.RequestTimeout < 0 || s.ProbeTimeout < 0:
		return errors.New("vm: a timeout in Spec is negative")
	}
	for _, a := range s.Append {
		if a == "" || strings.ContainsAny(a, " \t\n") {
			return fmt.Errorf("vm: Spec.Append has %q, want one parameter without blanks in each element", a)
		}
	}
	return nil
}

// withDefaults fills in what was left at zero.
func (s Spec) withDefaults() Spec {
	if s.Clock == "" {
		s.Clock = Realtime
	}
	if s.CPUs == 0 {
		s.CPUs = 2
		if s.Clock == Instructions {
			s.CPUs = 1
		}
	}
	if s.MemoryMiB == 0 {
		s.MemoryMiB = DefaultMemory
	}
	if s.Logf == nil {
		s.Logf = func(string, ...any) {}
	}
	boot := DefaultBootTimeout
	if s.Clock == Instructions {
		boot = DefaultBootTimeoutInstructions
	}
	if s.QEMU == "" {
		s.QEMU = qemuCommand
	}
	for _, d := range []struct {
		set *time.Duration
		to  time.Duration
	}{
		{&s.BootTimeout, boot},
		{&s.RestoreTimeout, DefaultRestoreTimeout},
		{&s.RequestTimeout, DefaultRequestTimeout},
		{&s.ProbeTimeout, DefaultProbeTimeout},
	} {
		if *d.set == 0 {
			*d.set = d.to
		}
	}
	return s
}
