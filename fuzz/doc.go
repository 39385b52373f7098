// Package fuzz runs the parts of the modules that need no kernel in user space: khttpd's parser of requests and what it
// makes of their texts (module/khttpd, except what includes the core).
//
// http/ holds the C: check.c is the property that must hold for every input, whoever makes it up. `make fuzz` has
// libFuzzer do that (clang, ASan and UBSan); what it finds worth keeping is in testdata/corpus. The test of this package
// needs only gcc: it replays the corpus and a short run of changes to it that are made up each time, every request cut in two at every
// place.
//
// It is a room of its own because module/ holds nothing but what kbuild compiles, and a change to the corpus is no
// change to a module.
package fuzz
