package wire

import "time"

// The operations that show where the kernel's time goes.
var (
	// GraphStart has the kernel note what a module's functions call, and GraphStop returns it.
	GraphStart = Op[GraphRequest, None]{"graph-start"}
	GraphStop  = Op[None, GraphAnswer]{"graph-stop"}

	// Profile runs a load to its end and samples the kernel's stacks meanwhile.
	Profile = Op[ProfileRequest, ProfileAnswer]{"profile"}
)

// GraphRequest names the module.
type GraphRequest struct {
	Module string `json:"module"`
	// Depth is how many calls deep it is noted, from the module's function that the kernel calls; 0: all.
	Depth int `json:"depth,omitempty"`
}

// GraphAnswer is what was noted, as the kernel's tracer function_graph prints it: processor, task, time, call. Times are guest time,
// and hold what noting the calls below took.
type GraphAnswer struct {
	Text string `json:"text"`
	Lost int    `json:"lost"` // calls for which there was no room
}

// ProfileRequest says what to run and how often to look.
type ProfileRequest struct {
	Load LoadRequest `json:"load"`
	// Period is the guest time between two looks at a processor that is not idle. The kernel takes 10 µs at least.
	Period time.Duration `json:"period"`
}

// ProfileAnswer is what was seen.
type ProfileAnswer struct {
	Result  LoadResult     `json:"result"`
	Samples int            `json:"samples"`
	Lost    int            `json:"lost"` // samples for which there was no room
	Frames  []StackFrame   `json:"frames"`
	Stacks  []ProfileStack `json:"stacks"`
}

// ProfileStack is a stack that was seen at least once.
type ProfileStack struct {
	Task string `json:"task"` // the name of the thread
	// Kernel says that it is one of the kernel's, not of a program.
	Kernel bool `json:"kernel,omitempty"`
	// Frames are indices into [ProfileAnswer.Frames], innermost first. The first is where the processor was, the others are return
	// addresses. Without frames the processor was in user space.
	Frames []int `json:"frames,omitempty"`
	Count  int   `json:"count"`
}
