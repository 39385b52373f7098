package kernel

import (
	"fmt"
	"strings"
)

// needed are the options without which a kernel cannot be a guest.
var needed = []struct {
	option string
	module bool // may be one
	virtio bool
}{
	{option: "CONFIG_VIRTIO_PCI", module: true, virtio: true},
	{option: "CONFIG_VIRTIO_CONSOLE", module: true, virtio: true},
	{option: "CONFIG_NET_NS"},
	{option: "CONFIG_SYSFS"},
	{option: "CONFIG_MODULES"},
	{option: "CONFIG_BLK_DEV_INITRD"},
}

// CheckVirtio reports what a kernel lacks to run as a guest: the virtio drivers by which the agent is heard, network
// namespaces, sysfs, loadable modules, an initramfs. The error wraps [ErrUnfit], and [ErrNoVirtio] where it is that.
func (k *Kernel) CheckVirtio() error {
	kind := ErrUnfit
	var lacks []string
	for _, n := range needed {
		value := k.Config[n.option]
		switch {
		case value == "y", value == "m" && n.module && k.Modules != "":
			continue
		case value == "m" && n.module:
			lacks = append(lacks, n.option+" is m but the kernel's modules are not there")
		case value == "m":
			lacks = append(lacks, n.option+" is m and must be y")
		default:
			lacks = append(lacks, n.option+" is not set")
		}
		if n.virtio {
			kind = ErrNoVirtio
		}
	}
	if lacks == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %s", kind, k.Release, strings.Join(lacks, ", "))
}
