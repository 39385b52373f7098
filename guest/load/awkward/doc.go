// Package awkward has clients that are impolite on purpose: slow ones, silent ones, and ones that reset, vanish or come in
// storms. A server must neither crash nor starve the others because of them.
//
// Its contract is that of package load for raw traffic: every attempt is counted once, as what it was for the client, and a
// client never gives up. What counts as good depends on the manner and stands beside it in package wire.
//
// A client is a goroutine that reads as its story does. That costs more than the state machines of package load, but these
// clients spend their time waiting.
package awkward
