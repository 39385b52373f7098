package wire

// Stacks lists the kernel threads that are inside of a module's code at this moment, workers of the kernel's own among them, each with
// its stack.
var Stacks = Op[StacksRequest, StacksAnswer]{"stacks"}

// StacksRequest names the module.
type StacksRequest struct {
	Module string `json:"module"`
}

// StacksAnswer is a snapshot.
type StacksAnswer struct {
	Threads []Thread `json:"threads"`
}
