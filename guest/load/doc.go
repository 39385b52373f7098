// Package load runs many TCP clients at once against one server and counts what they saw, for scenarios in which a
// module is switched, unloaded or has its namespace taken away under traffic.
//
// Its contract: every attempt is counted once, as what it was for the client, and no client ever gives up: one that
// is refused tries again after a moment. A load that is stopped lets each client finish the request that it is in, so
// that nothing is cut off by the load itself.
//
// Clients are state machines on a few threads with an epoll each, since a goroutine or a thread for every client would
// cost an emulated guest more than the server under test. [Run] knows nothing of namespaces: it runs on whatever threads
// Spec.Thread gives it.
package load
