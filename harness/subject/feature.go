package subject

import "strings"

// Feature is something that a module of a role may lack without being broken.
type Feature string

// The features that a module claims or not. Those that only its answers tell are found out by the scenarios.
const (
	// Statistics are counters below /sys/kernel/MODULE/net/data/statistics.
	Statistics Feature = "statistics"
	// Validation is an insmod that refuses bad values of parameters, with EINVAL and a line in the kernel log.
	Validation Feature = "validation"
	// Head is an answer without a body to HEAD.
	Head Feature = "HEAD"
	// KeepAlive is a connection that serves more than one request.
	KeepAlive Feature = "keep-alive"
	// Pipelining is requests that are sent before the answer to the one before has come.
	Pipelining Feature = "pipelining"
	// Conformance is all of RFC 9112 beyond a plain GET: the right status for what is malformed, too long or not supported.
	Conformance Feature = "conformance"
	// Files are files served from below a directory that a parameter names.
	Files Feature = "files"
	// HalfClose is that a client that has said its last word still gets its answer.
	HalfClose Feature = "half-close"
	// Linger is that what a client still sends after its last answer is read until the client ends, too.
	Linger Feature = "linger"
	// Namespaces is a server of its own in each network namespace.
	Namespaces Feature = "namespaces"
)

// Features lists the features above.
var Features = []Feature{
	Statistics, Validation, Head, KeepAlive, Pipelining, Conformance, Files, HalfClose, Linger, Namespaces,
}

const parameterPrefix = "parameter "

// Parameter is the feature that a module has a parameter of that name.
func Parameter(name string) Feature { return Feature(parameterPrefix + name) }

// parameter returns the name of the parameter that the feature is about, if it is about one.
func (f Feature) parameter() (name string, ok bool) {
	return strings.CutPrefix(string(f), parameterPrefix)
}
