// Package foreign builds the module of a stranger's directory and finds out who it is: which of the modules that the directory makes
// is meant, and which role it plays.
//
// Its contract: makefiles run in the cage of package kbuild where this machine has one, nothing in the directory is trusted or
// changed, and what is wrong with a directory is an error of one line that says what to do about it.
package foreign
