// Package trace shows where the instructions of a module's requests go: what its functions call for one request, and under load a flame
// graph, both with our lines of source.
//
// The scenario that looks runs in a process of its own (see package suite), is told what to do by a [Job] and writes its files with
// [WriteGraph] and [Profile.Write].
//
// Its contract: shares come from samples of a timer on the clock of instructions, in which the samples' own cost is not; they are told
// as parts of what a request took while nobody looked. The times of one request's calls, which hold the tracer's own, are for their
// order and their proportion only.
package trace
