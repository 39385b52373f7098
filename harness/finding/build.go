package finding

import (
	"fmt"
	"strings"
)

// New returns a finding that is complete but for where it happened: counted once, with its fingerprint. Title should be
// one line; of more, the first is the title and all are the excerpt.
func New(kind Kind, oracle Oracle, module, title string, excerpt ...string) Finding {
	if first, _, more := strings.Cut(title, "\n"); more {
		excerpt = append(strings.Split(strings.TrimRight(title, "\n"), "\n"), excerpt...)
		title = first
	}
	f := Finding{Kind: kind, Oracle: oracle, Module: module, Title: title, Excerpt: excerpt, Count: 1}
	f.Fingerprint = Fingerprint(f)
	return f
}

// Blind is the finding that an oracle could not run, for the reason given by err.
func Blind(oracle Oracle, err error) Finding {
	return New(OracleBlind, oracle, "", "the "+string(oracle)+" oracle could not run: "+err.Error())
}

// Wire is the finding that a client saw what it should not have seen of the module's server.
func Wire(module, format string, args ...any) Finding {
	return New(WireFault, OracleWire, module, fmt.Sprintf(format, args...))
}

// Infrastructure reports whether the finding is about the harness's own means: with such a finding nothing
// is proven about the module, neither good nor bad.
func (f Finding) Infrastructure() bool {
	return f.Kind == OracleBlind
}
