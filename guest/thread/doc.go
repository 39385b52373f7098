// Package thread runs functions on OS threads of their own and notices when the kernel ends such a thread: an oops in
// a system call kills the thread that made it, and the Go runtime, which is never told, would wait for ever.
//
// Its contract: whoever waits gets the function's result, its panic as an error, or [ErrKilled].
package thread
