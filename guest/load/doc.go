// Package load runs many TCP clients at once against one server and counts and times what they saw: traffic for scenarios in
// which a module is switched, unloaded or has its namespace taken away, and load for benchmarks. What the clients say and
// what they expect is a protocol: raw bytes, echo or HTTP.
//
// Its contract: every request is counted once, as what it was for the client, and every answer is checked: each byte of an echo, and of
// raw and HTTP answers where Expect says what they are. Without it, an HTTP answer must be well-formed, whole, as long as it says, and of
// a status that is 2xx or 3xx, and its body may be anything; a raw one must not be empty. A load that is stopped lets each client
// finish the request that it is in, so that nothing is cut off by the load itself. Clients of raw traffic never give up; echo and
// HTTP measure, so they fail when there is nothing to measure.
//
// An open load, at a fixed rate, omits nothing: a response time counts from when its request was due, and a request that got no answer,
// or was due and never sent, is in the result with the time that it had waited.
//
// Clients are state machines on a few threads with an epoll each, since a goroutine or a thread for every client would
// cost an emulated guest more than the server under test. A request on a connection that is there costs one send, one recv, one
// look at the clock and a part of an epoll_wait, and allocates nothing. The files, from the top: run.go starts the threads,
// worker.go is a thread's loop, pace.go says when a request begins, client.go moves the bytes of one client, and answer.go
// and http.go judge them. Clients that are impolite on purpose are in package awkward.
//
// [Run] knows nothing of namespaces: it runs on whatever threads Spec.Thread gives it.
package load
