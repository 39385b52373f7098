package survivors

import (
	"strings"

	"ktcp/guest/wire"
)

// Stacks answers [wire.Stacks].
func Stacks(req wire.StacksRequest) (wire.StacksAnswer, error) {
	return stacks("/proc", req.Module)
}

// stacks reads the stacks below a procfs.
func stacks(proc, module string) (wire.StacksAnswer, error) {
	all, err := kernelStacks(proc)
	if err != nil {
		return wire.StacksAnswer{}, err
	}
	answer := wire.StacksAnswer{Threads: []wire.Thread{}}
	for _, t := range all {
		if strings.Contains(t.Stack, "["+module+"]") {
			answer.Threads = append(answer.Threads, t)
		}
	}
	return answer, nil
}
