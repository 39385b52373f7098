// Package timers reads, from outside, which timers of a guest would call text that is not there any more.
//
// Its one job is to know where the kernel keeps its timers: it walks the wheels and the trees (of high-resolution timers) of every processor, and tells of each timer, and of the work that one
// puts off, whether what it calls lies where modules are and in none that is loaded. Such a timer has outlived its module, however far off it is:
// nobody has to wait for it to fire. A timer that itself lay in the module's memory is known by that.
//
// Its contract: the guest stands still meanwhile, as for ktcp/harness/slab.
package timers
