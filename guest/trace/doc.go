// Package trace shows where the kernel's time goes: what a module's functions call, by the kernel's tracer function_graph, and which
// stacks a processor is in, by samples of a timer.
//
// Its contract: the tracer is switched off again whatever happens, and what was lost is counted. The samples are taken by a timer of
// guest time, which also a guest without performance counters has; code that runs with interrupts off is seen where it lets them in
// again. What taking a sample costs is in no sample.
package trace
