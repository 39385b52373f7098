package kbuild

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotModule is returned for a directory without a Kbuild or Makefile, or whose build makes no .ko.
	ErrNotModule = errors.New("not a module directory")
	// ErrAmbiguous is returned when a directory makes several modules and none is named.
	ErrAmbiguous = errors.New("several modules")
	// ErrNoModule is returned when a directory makes modules, but not the one named.
	ErrNoModule = errors.New("no such module")
	// ErrMissingTool is returned when a program is missing that builds modules; it names the package that has it.
	ErrMissingTool = errors.New("build tool missing")
	// ErrTooLarge is returned for a source directory, or a .ko, that cannot be one: it is too large to be copied.
	ErrTooLarge = errors.New("too large")
	// ErrNoCage is returned where the kernel does not let a foreign build be locked up. Others than these are errors of the moment.
	ErrNoCage = errors.New("this machine cannot lock up a build")
	// ErrBadPath is returned when the cache or the kernel lies where kbuild cannot work.
	ErrBadPath = errors.New("path with a space or a colon")
)

// AmbiguousError is the [ErrAmbiguous] that says between which modules there is a choice.
type AmbiguousError struct{ Names []string } // as the kernel spells them

// Error implements error.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%v: %s: name one of them", ErrAmbiguous, strings.Join(e.Names, ", "))
}

// Unwrap returns [ErrAmbiguous].
func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }

// CompileError tells that a module does not build. Its message is one line.
type CompileError struct {
	Source string // the module's directory, as shown to the user
	First  string // the first error, with a path that the user can open
	Count  int    // of errors, 0 where make itself gave up
	Output string // all that make and the compiler said
	Err    error  // from os/exec
}

// Error implements error.
func (e *CompileError) Error() string {
	switch {
	case e.First == "":
		return fmt.Sprintf("%s does not build: %v", e.Source, e.Err)
	case e.Count > 1:
		return fmt.Sprintf("%s (and %d more)", e.First, e.Count-1)
	}
	return e.First
}

// Detail returns the compiler's output.
func (e *CompileError) Detail() string { return strings.TrimRight(e.Output, "\n") }

// Unwrap returns the error of os/exec.
func (e *CompileError) Unwrap() error { return e.Err }
