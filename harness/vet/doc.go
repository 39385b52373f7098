// Package vet holds other people's modules to the scenarios: it is `go run . vet`.
//
// Its contract: each directory is built in a copy, where possible without network and without a way out (see
// [kbuild.Isolation]), and judged in a process of its own by the scenarios that name its role. Whatever a module does
// to its guests, to its makefile or to that process, the next one is judged all the same. What a module does not claim
// to have is "not offered"; crashes, leaks, hangs and wrong bytes are flaws always.
//
// Each module is judged on several kernels, which are there, and have been proven with canaries, before the first module is looked at. What they
// found is folded: one flaw is told once, whichever of them saw it.
//
// Which scenarios apply is read from their source: those that name the role, however far down.
package vet
