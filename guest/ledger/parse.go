package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ktcp/guest/wire"
)

// ErrFormat is returned for traces that are not in the format of the kernels that this was written for.
var ErrFormat = errors.New("malformed allocation trace")

// location is one place that objects were allocated from.
type location struct {
	count          int
	ageMin, ageMax uint64 // jiffies
	stack          []wire.StackFrame
}

// parseTraces reads one alloc_traces file and returns the locations in which want is found in the text. It looks at
// no other: most of a kernel's objects are its own.
//
//	2 kmalloc_trace+0x27/0x40 [mod] waste=8/4 age=10/12/14 pid=1-7 cpus=0-1
//	  __kmem_cache_alloc_node+0x1e0/0x350
//	  kweb_start+0x40/0x120 [kweb]
//	  0xffffffffc0403040
//
// A location begins with such a line, whose place is the innermost caller in the kernel's own idea, and ends with an
// empty line.
func parseTraces(text []byte, want func(block []byte) bool) ([]location, error) {
	var found []location
	for len(text) > 0 {
		block := text
		if end := bytes.Index(text, []byte("\n\n")); end >= 0 {
			block, text = text[:end], text[end+2:]
		} else {
			text = nil
		}
		if !want(block) {
			continue
		}
		l, err := parseLocation(block)
		if err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	return found, nil
}

func parseLocation(block []byte) (location, error) {
	head, rest, _ := strings.Cut(strings.Trim(string(block), "\n"), "\n")
	fields := strings.Fields(head)
	if len(fields) < 2 {
		return location{}, fmt.Errorf("%w: %q", ErrFormat, head)
	}
	var l location
	var err error
	if l.count, err = strconv.Atoi(fields[0]); err != nil {
		return location{}, fmt.Errorf("%w: number of objects in %q", ErrFormat, head)
	}
	for _, f := range fields[2:] {
		if ages, ok := strings.CutPrefix(f, "age="); ok {
			if l.ageMin, l.ageMax, err = parseAges(ages); err != nil {
				return location{}, fmt.Errorf("%w: ages in %q", ErrFormat, head)
			}
		}
	}
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line != "" {
			l.stack = append(l.stack, parseFrame(line))
		}
	}
	if len(l.stack) == 0 { // a kernel without CONFIG_STACKDEPOT, or out of memory for it
		place := fields[1]
		if len(fields) > 2 && strings.HasPrefix(fields[2], "[") {
			place += " " + fields[2]
		}
		l.stack = []wire.StackFrame{parseFrame(place)}
	}
	return l, nil
}

// parseAges reads "12" or "10/12/14": youngest, mean, oldest. An age may be negative: the jiffies of two CPUs differ by
// one now and then.
func parseAges(text string) (youngest, oldest uint64, err error) {
	ages := strings.Split(text, "/")
	a, err := strconv.ParseInt(ages[0], 10, 64)
	if err != nil {
		return 0, 0, err
	}
	b, err := strconv.ParseInt(ages[len(ages)-1], 10, 64)
	if err != nil {
		return 0, 0, err
	}
	return uint64(max(a, 0)), uint64(max(b, 0)), nil
}

// parseFrame reads "func+0x1e0/0x350 [module]" or a bare address. What is neither is kept as it is.
func parseFrame(line string) wire.StackFrame {
	if addr, ok := strings.CutPrefix(line, "0x"); ok {
		if a, err := strconv.ParseUint(addr, 16, 64); err == nil {
			return wire.StackFrame{Addr: a}
		}
	}
	var f wire.StackFrame
	place, module, _ := strings.Cut(line, " [")
	// With CONFIG_STACKTRACE_BUILD_ID the module's name is followed by a digest.
	f.Module, _, _ = strings.Cut(strings.TrimSuffix(module, "]"), " ")
	f.Func = place
	name, numbers, ok := strings.Cut(place, "+0x")
	offset, size, ok2 := strings.Cut(numbers, "/0x")
	if !ok || !ok2 {
		return f
	}
	o, err1 := strconv.ParseUint(offset, 16, 64)
	s, err2 := strconv.ParseUint(size, 16, 64)
	if err1 == nil && err2 == nil {
		f.Func, f.Offset, f.Size = name, o, s
	}
	return f
}
