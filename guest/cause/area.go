package cause

import (
	"slices"

	"ktcp/guest/wire"
)

// MayOwn reports whether an area of vmalloc may be the module's, by its caller, which is all that the kernel keeps with one. Where that was init
// text, which was given to others afterwards, [Module.Areas] decides.
func (m Module) MayOwn(caller wire.StackFrame) bool {
	return m.Owns(caller) || slices.ContainsFunc(m.Init, func(i wire.InitText) bool { return in(caller, i.Range) })
}

// Areas returns those of the areas that are the module's. The kernel keeps no time with an area. But it describes each with an object of the
// slab, which is allocated in the very call: where init text called, the area is the module's if one of the module's objects, of which
// times are known, was allocated on that call's behalf.
func (m Module) Areas(areas, objects []wire.Site) []wire.Site {
	var own []wire.Site
	for _, a := range areas {
		caller := a.Stack[0]
		if m.Owns(caller) || slices.ContainsFunc(objects, func(o wire.Site) bool { return slices.Contains(o.Stack, caller) }) {
			own = append(own, a)
		}
	}
	return own
}

// in reports whether a frame without a name is in a range.
func in(f wire.StackFrame, r wire.Range) bool {
	return f.Func == "" && f.Addr >= r.Start && f.Addr < r.End
}
