// Package scenarios holds the tests of the modules: each reads as the story that it tests. There is nothing to import
// here; what scenarios have in common is in package harness.
package scenarios
