// Package serve answers the host's requests: it reads frames, finds the operation, decodes the request, calls the
// handler and writes the answer.
//
// Its contract: every request is answered exactly once, also one whose handler panics or whose operation is unknown.
// Requests are served concurrently, each in its own goroutine, and answered in the order in which they are done. An
// operation that is registered with [Inline] is served by the reading thread itself, before the next frame is read: that
// is for what must be answered fast and never waits.
package serve
