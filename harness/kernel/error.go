package kernel

import (
	"errors"
	"fmt"
)

var (
	// ErrNoPackage is returned when no kernel package that fits the request can be had. Its text lists what was looked
	// for and what is there instead.
	ErrNoPackage = errors.New("no kernel package")
	// ErrNotKernel is returned for a directory that is not a built kernel tree.
	ErrNotKernel = errors.New("not a built kernel tree")
	// ErrNoHeaders is returned for a kernel without the tree that modules are built against.
	ErrNoHeaders = errors.New("no kernel headers")
	// ErrUnreadable is returned for the running kernel when its image may only be read by root.
	ErrUnreadable = errors.New("kernel image cannot be read")
	// ErrUnfit is returned for a kernel whose configuration cannot run as a guest.
	ErrUnfit = errors.New("kernel cannot run as a guest")
	// ErrNoVirtio is the kind of ErrUnfit where drivers of virtio are missing, so that the agent cannot be heard.
	ErrNoVirtio = fmt.Errorf("%w without virtio", ErrUnfit)
	// ErrArch is returned for anything but x86_64.
	ErrArch = errors.New("only x86_64 kernels are supported")
	// ErrUnknownFlavor is returned for a flavor that this package cannot provide.
	ErrUnknownFlavor = errors.New("unknown kernel flavor")
	// ErrNoTools is returned when the tools that a kernel is built with are missing.
	ErrNoTools = errors.New("tools to build a kernel are missing")
	// ErrConfig is returned when a kernel does not take the options of a flavor.
	ErrConfig = errors.New("kernel configuration did not stick")
)
