package finding

import (
	"slices"
	"strconv"
)

// firstReliable returns the innermost frame that is no guess of the unwinder.
func firstReliable(stack []Frame) Frame {
	for _, f := range stack {
		if !f.Unreliable {
			return f
		}
	}
	return Frame{}
}

// sameFrame reports whether two frames are at one address, as far as their names tell.
func sameFrame(a, b Frame) bool {
	return a.Func == b.Func && a.Offset == b.Offset && a.Module == b.Module && a.Addr == b.Addr
}

// mentions reports whether a function is on the stack.
func mentions(stack []Frame, fn string) bool {
	return slices.ContainsFunc(stack, func(f Frame) bool { return f.Func == fn && !f.Unreliable })
}

// inModule reports whether a stack passes through a module for certain.
func inModule(stack []Frame) bool {
	return slices.ContainsFunc(stack, func(f Frame) bool { return f.Module != "" && !f.Unreliable })
}

// insertBefore puts a frame before the first frame of that function, or at the end.
func insertBefore(stack []Frame, fn string, f Frame) []Frame {
	i := slices.IndexFunc(stack, func(f Frame) bool { return f.Func == fn && !f.Unreliable })
	if i < 0 {
		i = len(stack)
	}
	return slices.Insert(slices.Clone(stack), i, f)
}

// blame returns the module of the innermost frame that is in one, certain frames first, and where in its source that is. Without
// such a frame it looks at the related stacks.
func blame(f *Finding) (module string, at *Location) {
	stacks := [][]Frame{f.Stack}
	for _, t := range f.Related {
		stacks = append(stacks, t.Frames)
	}
	for _, guesses := range []bool{false, true} {
		for _, stack := range stacks {
			for i, fr := range stack {
				if fr.Module != "" && fr.Unreliable == guesses {
					return fr.Module, locate(stack[i:])
				}
			}
		}
	}
	return "", nil
}

// locate returns the first line of the module's own source on a stack whose first frame is in the module. Inlined functions of
// kernel headers are passed over: the user wrote the line that calls them.
func locate(stack []Frame) *Location {
	module := stack[0].Module
	for _, f := range stack {
		if f.Module == module && f.File != "" && !kernelHeader(f.File) {
			return &Location{File: f.File, Line: f.Line, Func: plainName(f.Func)}
		}
	}
	return &Location{Func: plainName(stack[0].Func)}
}

// decimal returns the value of digits that a regular expression has checked.
func decimal(digits string) int64 {
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return v
}
