package finding

import (
	"slices"
	"strings"
)

// Symbolize names the lines of source of every frame that lies in one of the modules, also in text that is gone by now,
// and sets each finding's module, location and fingerprint from them. Frames of the kernel stay as they are. It can be called again
// with further modules.
func Symbolize(findings []Finding, modules ...*Symbolizer) {
	for i := range findings {
		f := &findings[i]
		var known bool
		f.Stack, known = expand(f.Stack, modules)
		for j := range f.Related {
			var some bool
			f.Related[j].Frames, some = expand(f.Related[j].Frames, modules)
			known = known || some
		}
		if known {
			module, at := blame(f)
			if f.Module == "" || at != nil && f.Oracle == OracleLog {
				f.Module = module
			}
			if at != nil && (f.Location == nil || at.File != "") {
				f.Location = at
			}
		}
		for _, m := range modules {
			m.explainFault(f)
		}
		f.Fingerprint = Fingerprint(*f)
	}
}

// expand replaces every frame that one of the modules knows by itself with its line, preceded by what was inlined there. It
// reports whether there was one.
func expand(stack []Frame, modules []*Symbolizer) (out []Frame, known bool) {
	for i, f := range stack {
		frames := []Frame{f}
		// A frame that was inlined, or whose inlined frames stand before it, has been expanded before.
		if f.File == "" && !f.Inlined && (i == 0 || !stack[i-1].Inlined) {
			for _, m := range slices.Backward(modules) {
				if found := m.Frames(f); found != nil {
					frames, known = found, true
					break
				}
			}
		}
		out = append(out, frames...)
	}
	return out, known
}

// explainFault says of a fault at an address that was the module's what used to be there.
func (s *Symbolizer) explainFault(f *Finding) {
	if f.Kind != PageFault || f.Address == 0 || strings.HasPrefix(f.Class, "unloaded-") ||
		!slices.ContainsFunc(f.Excerpt, func(l string) bool { return strings.Contains(l, "not-present page") }) {
		return
	}
	sec, offset, ok := s.section(uint64(f.Address))
	if !ok {
		return
	}
	what := sec.name
	if sec.executable {
		f.Class = "unloaded-text"
	} else {
		f.Class = "unloaded-data"
	}
	if sec.executable && s.returnsTo(sec, offset) {
		// Nothing was executed there: a call that was made while the module was loaded came back.
		for _, c := range s.lines(sec.index, offset-1) {
			if !kernelHeader(c.file) {
				f.Location = &Location{File: c.file, Line: c.line, Func: plainName(c.fn)}
				break
			}
		}
	}
	if sym, ok := s.symbolAt(sec.index, offset); ok {
		what = sym.name
		if f.Class == "unloaded-data" {
			if file, line := s.declared(sec.index, sym.value); file != "" {
				f.Location = &Location{File: file, Line: line, Func: sym.name}
			}
		}
	}
	f.Module = s.module
	f.Title += " (was " + what + " of " + s.module + ", which is not loaded any more)"
}
