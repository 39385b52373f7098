// Package program runs programs in the guest: real clients and servers beside the module under test.
//
// Its contract: a program is a process group of its own. When it is stopped, or its deadline passes, the whole group is killed, and
// the answer comes when the program has ended and its output is complete. Deadlines are in guest time.
//
// PID 1 inherits orphans, so one goroutine, [Reap], waits for every process there is; it tells those who
// started one how it ended. Nothing else in the agent may wait for a process.
package program
