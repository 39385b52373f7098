// Package cache keeps what is costly to make (kernels, modules, initramfs images, templates) in one directory of
// the user, so that a second run is fast and two runs at once share it safely.
//
// Its contract: an entry is complete or absent. It is built in a temporary directory beside its place, under a
// lock that only builders of the same entry wait for, and renamed into place. A builder that is killed leaves
// a temporary directory and a lock that the kernel has released; the next builder of the same entry takes the lock, and
// the next of the same kind removes the directory. Entries are never changed after they are in place; whoever wants
// something else uses another key.
//
// The directory is $KTCP_CACHE, otherwise ktcp below the user's cache directory ([os.UserCacheDir]).
package cache
