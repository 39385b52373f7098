// Package kbuild turns a directory of C into a kernel module: with DWARF for the host, and without for the guest.
//
// Its contract: the source is only read. It is copied without the leftovers of other builds, and kbuild
// runs in the copy, in an environment of its own: neither variables nor objects that lie around change the result, so that
// the same source, kernel and compiler give the same bytes wherever they are built. The result is kept in the cache under
// a digest of all of these; a second build is only that digest.
//
// Modules are other people's. Only kbuild's own target is made ("make -C KERNEL M=DIR modules"), never a Makefile's
// default one, which may build programs, fetch things or install hooks. Everything in the directory is somebody else's
// code all the same: what runs it is made in one place, [command].
//
// Paths in DWARF, in __FILE__ and so in the kernel's warnings are relative to Spec.Root ("kweb/main.c"), those of
// the kernel's headers to the kernel's source ("include/linux/slab.h"). Some tools put "./" in front: clean a path before
// it is compared. What the compiler says names the user's own files.
//
// Copies stay in the cache for some days, one for each set of files, makefiles, kernel and compiler: an edit of a C file
// compiles that file again and no other.
package kbuild
