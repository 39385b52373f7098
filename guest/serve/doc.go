// Package serve answers the host's requests: it reads frames, finds the operation, decodes the request, calls the
// handler and writes the answer.
//
// Its contract: every request is answered exactly once, also one whose handler panics or whose operation is unknown.
// Requests are served concurrently, each on its own thread, and answered in the order in which they are done. One whose
// thread was ended by an oops in the kernel is answered as well. An
// operation that is registered with [Inline] is served by the reading thread itself, before the next frame is read: that
// is for what must be answered fast and never waits.
package serve
