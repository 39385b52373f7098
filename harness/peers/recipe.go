package peers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// recipe says where a program comes from.
type recipe struct {
	pkg  string // its package
	file string // its name in there, below one of binaries
}

// recipes are the programs that can be had.
var recipes = map[string]recipe{
	"curl":   {"curl", "curl"},
	"wget":   {"wget", "wget"},
	"nc":     {"netcat-openbsd", "nc.openbsd"},
	"telnet": {"inetutils-telnet", "inetutils-telnet"},
	"wrk":    {"wrk", "wrk"},
	"nginx":  {"nginx", "nginx"},
}

// binaries and libraries are where packages have theirs, on a system that has merged /usr and on one that has not.
var (
	binaries  = []string{"usr/bin", "bin", "usr/sbin", "sbin"}
	libraries = []string{"usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib64", "lib64", "usr/lib", "lib"}
)

// guestLibraries is where all libraries lie in the guest: the loaders of Debian and of Ubuntu look there.
const guestLibraries = "/usr/lib/x86_64-linux-gnu"

func lookUp(name string) (recipe, error) {
	r, ok := recipes[name]
	if !ok {
		return r, fmt.Errorf("%w %q: there are %s", ErrUnknown, name, strings.Join(slices.Sorted(maps.Keys(recipes)), ", "))
	}
	return r, nil
}

// wanted reports whether a package that another one depends on may have a library that the program needs.
func wanted(name string) bool {
	return strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "zlib")
}
