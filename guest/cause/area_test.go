package cause

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

// Init text is given away: an area that it called for is the module's only if the object that describes the area is.
func TestAreas(t *testing.T) {
	m := Module{
		Name: "kweb", Text: []wire.Range{{Start: 0x4000, End: 0x5000}},
		Init: []wire.InitText{{Range: wire.Range{Start: 0x1000, End: 0x2000}}},
	}
	area := func(caller wire.StackFrame) wire.Site {
		return wire.Site{Cache: "vmalloc", Count: 1, Size: 4096, Stack: []wire.StackFrame{caller}}
	}
	loaded := area(wire.StackFrame{Func: "kweb_start", Module: "kweb"})
	text, init, another := area(wire.StackFrame{Addr: 0x4010}), area(wire.StackFrame{Addr: 0x1010}), area(wire.StackFrame{Addr: 0x1020})
	objects := []wire.Site{
		{Cache: "kmalloc-64", Stack: []wire.StackFrame{{Func: "__get_vm_area_node"}, {Func: "vmalloc"}, {Addr: 0x1010}, {Func: "do_one_initcall"}}},
		{Cache: "kmalloc-8", Stack: []wire.StackFrame{{Addr: 0x4020}}},
	}
	if diff := cmp.Diff([]wire.Site{loaded, text, init}, m.Areas([]wire.Site{loaded, text, init, another}, objects)); diff != "" {
		t.Errorf("areas (-want +got):\n%s", diff)
	}
	for caller, want := range map[wire.StackFrame]bool{
		loaded.Stack[0]: true, text.Stack[0]: true, init.Stack[0]: true, another.Stack[0]: true,
		{Addr: 0x2000}: false, {Func: "kecho_init", Module: "kecho", Addr: 0x1010}: false,
	} {
		if got := m.MayOwn(caller); got != want {
			t.Errorf("%+v may be the module's: %v, want %v", caller, got, want)
		}
	}
}
