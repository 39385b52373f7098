// Package image makes the initramfs of a guest: the agent as /init, the kernel modules that it needs to hear the host,
// and nothing else.
//
// Its contract with the guest: /init is guest/ of this very source tree, built static; the modules lie uncompressed
// below /lib/modules/RELEASE beside a modules.dep and a modules.builtin that name only them, so that the agent can
// probe each by name without knowing whether this kernel has it built in.
//
// Its contract with the host: an image is made once for a kernel, an agent and a Go release and kept in the cache.
// The same inputs give the same bytes.
package image
