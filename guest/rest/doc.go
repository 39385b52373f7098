// Package rest tells which processors do not come to rest.
//
// Its contract: a processor rests when it was idle for at least a quarter of one window of time, by the guest's own accounts. One that never
// was, in several windows, is busy; with it come the kernel threads that wanted to run, and where they were. Work that only takes its time on
// a slow host is not mistaken for it: it ends, and then a window shows rest.
package rest
