// Package peers provides programs that run in the guest beside the module under test: real clients such as curl and wrk, and
// nginx, which is the reference for behaviour and speed.
//
// Its contract: [Fetch] turns a program's name into a [Pack], the file of the program and those of the shared libraries
// that it needs, out of the distribution's packages and nothing else: the host need not have it installed. Packs are kept
// in the cache, keyed by the versions of the packages, so that what runs is the same until the distribution changes.
package peers
