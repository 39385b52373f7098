// Package rest tells whether the processors come to rest.
//
// Its contract: the guest rests when all processors together ran for no more than half of one window of time, by the guest's own
// accounts. Where no window of several is like that it is busy; with it come the kernel threads that wanted to run, and where they were. Work
// that only takes its time on a slow host is not mistaken for it: it ends, and then a window shows rest.
package rest
