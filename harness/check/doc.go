// Package check runs the scenarios as one run and says how it went: it is `make vm-check`.
//
// Its contract: the scenarios run under go test, as a user would run them by hand, in processes that share one
// directory of results. Afterwards the verdict is read back from that directory and from nowhere else, so that what is printed is
// what was recorded; a go test that fails although every record passes makes the run invalid.
package check
