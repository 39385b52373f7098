package finding

import "testing"

// A race of the kernel with itself has no module on either stack; text that is gone has no name any more.
func TestInModule(t *testing.T) {
	kernel := Frame{Func: "hrtimer_wakeup"}
	for name, tt := range map[string]struct {
		f    Finding
		want bool
	}{
		"no stack":       {Finding{}, false},
		"kernel alone":   {Finding{Stack: []Frame{kernel}, Related: []Trace{{Frames: []Frame{kernel}}}}, false},
		"a module":       {Finding{Stack: []Frame{kernel, {Func: "io_turn", Module: "kecho"}}}, true},
		"the other side": {Finding{Stack: []Frame{kernel}, Related: []Trace{{Frames: []Frame{kernel, {Func: "io_turn", Module: "kecho"}}}}}, true},
		"text gone":      {Finding{Stack: []Frame{{Addr: 0xffffffffa0001000}}}, true},
	} {
		if got := tt.f.InModule(); got != tt.want {
			t.Errorf("%s: InModule() is %t, want %t", name, got, tt.want)
		}
	}
}
