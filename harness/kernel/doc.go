// Package kernel finds and fetches kernels: a bootable image together with the tree that modules are built
// against and, where it has any, its own modules.
//
// Its contract: [Provision] turns what the user asked for into a [Kernel] whose files all exist, whose
// configuration can run as a guest, and whose ID changes whenever the content does. Nothing is installed and root
// is not needed: packages of Debian or Ubuntu are downloaded through apt, whose signatures it checks, and unpacked
// into the cache, with the absolute paths inside the headers made relative so that the tree works where it lies.
//
// Which package is the newest is asked of apt again only when apt's package lists have changed. Where those
// lists are empty, or so old that a package they name is gone, a private copy of them is fetched into
// the cache, and said so.
//
// Flavors other than stock are built here, once, from the distribution's packaged source and the fragments in flavors/: see FLAVORS.md. What
// a fragment asks for and the final configuration does not have is an error, and no kernel.
package kernel
