package finding

import (
	"regexp"
	"strconv"
	"strings"

	"ktcp/guest/wire"
)

var (
	// symbolRE matches "func+0x15/0x60 [module]" with what stack dumps put around it. A build ID may follow the module's name.
	symbolRE = regexp.MustCompile(`^\s*(\? )?(?:\[<[^>]*>\] )?([\w.$]+)\+0x([0-9a-f]+)/0x([0-9a-f]+)(?: \[([\w-]+)(?: [0-9a-f]+)?\])?\s*$`)
	// addressRE matches a frame that has no name, because the text it lay in is gone.
	addressRE = regexp.MustCompile(`^\s*(\? )?(?:\[<[^>]*>\] )?0x([0-9a-f]{1,16})\s*$`)
	// ripRE matches the instruction pointer in kernel mode; 0033 would be user space.
	ripRE = regexp.MustCompile(`^RIP: 0010:(.*?)\s*$`)
)

// parseFrame returns the frame that a line of a stack dump shows.
func parseFrame(text string) (Frame, bool) {
	if m := symbolRE.FindStringSubmatch(text); m != nil {
		return Frame{
			Unreliable: m[1] != "", Func: m[2], Offset: hexValue(m[3]), Size: hexValue(m[4]), Module: m[5],
		}, true
	}
	if m := addressRE.FindStringSubmatch(text); m != nil {
		return Frame{Unreliable: m[1] != "", Addr: Addr(hexValue(m[2]))}, true
	}
	return Frame{}, false
}

// parseRIP returns the frame that a "RIP:" line shows, when it is of kernel mode.
func parseRIP(text string) (Frame, bool) {
	m := ripRE.FindStringSubmatch(text)
	if m == nil {
		return Frame{}, false
	}
	f, ok := parseFrame(m[1])
	f.IP = true
	return f, ok
}

// hexValue returns the value of hexadecimal digits that a regular expression has checked.
func hexValue(digits string) uint64 {
	v, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return 0 // more than 64 bits: no address
	}
	return v
}

// wireFrames returns the agent's frames as ours.
func wireFrames(stack []wire.StackFrame) []Frame {
	frames := make([]Frame, 0, len(stack))
	for _, f := range stack {
		frames = append(frames, Frame{Func: f.Func, Offset: f.Offset, Size: f.Size, Module: f.Module, Addr: Addr(f.Addr)})
	}
	return frames
}

// textFramesOf returns the frames of a stack as /proc/PID/stack prints it.
func textFramesOf(stack string) []Frame {
	var frames []Frame
	for l := range strings.SplitSeq(stack, "\n") {
		if f, ok := parseFrame(l); ok {
			frames = append(frames, f)
		}
	}
	return frames
}
