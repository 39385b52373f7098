// Package apt fetches packages of Debian and Ubuntu without root: it asks apt what there is, downloads through it, so that
// signatures are checked, and unpacks with dpkg-deb. Nothing is installed.
//
// Its contract: the machine's own sources, proxies and keys are used, and the machine's caches are left alone. Package
// lists are the system's, or a private copy in the cache once [Apt.Update] has fetched one that is newer.
package apt
