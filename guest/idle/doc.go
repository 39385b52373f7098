// Package idle keeps a guest busy that counts time in instructions.
//
// On that clock a processor with nothing to do skips to its next timer at once: between two requests, while the host is
// thinking, hours would pass, and every timeout with them. So a process of the lowest class of all counts as long as
// nobody asks the guest for anything; then time passes about as fast as it does for the host. While a request is being
// served it sleeps, so that waiting within a request takes no time.
//
// It is a process, not a goroutine: that would hold one of the Go scheduler's processors, of which there is one, while it
// has the least right of all to run.
package idle
