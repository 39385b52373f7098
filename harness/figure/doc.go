// Package figure keeps what benchmarks measured: tables that gnuplot reads, each with a header that says how its numbers came about.
// It compares a table with its reference, and refuses to where the two were not measured alike: numbers of different kernels,
// flavors, accelerators or clocks say nothing about each other.
//
// Its contract: a file that it wrote can be read back as it was, and what cannot be compared is an error, never a pass.
package figure
