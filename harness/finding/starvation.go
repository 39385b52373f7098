package finding

import (
	"fmt"
	"slices"

	"ktcp/guest/wire"
)

// mostWaiting is how many different stacks of waiting threads a finding shows.
const mostWaiting = 3

// Starved is the finding that a client got no answer because others were there. Threads are those that were in the module's
// code meanwhile: where they wait is what there is too little of.
func Starved(module, title string, threads []wire.Thread) Finding {
	f := New(Starvation, OracleStarvation, module, title)
	f.Related = Waiting(threads)
	_, f.Location = blame(&f)
	f.Fingerprint = Fingerprint(f)
	return f
}

// Waiting returns the stacks of threads, each once, with how many of them are there.
func Waiting(threads []wire.Thread) []Trace {
	var traces []Trace
	var counts []int
	var comms []string
	for _, t := range threads {
		frames := textFramesOf(t.Stack)
		if !inModule(frames) {
			continue
		}
		i := slices.IndexFunc(traces, func(have Trace) bool { return slices.EqualFunc(have.Frames, frames, sameFrame) })
		if i < 0 {
			i = len(traces)
			traces, counts, comms = append(traces, Trace{Frames: frames}), append(counts, 0), append(comms, t.Comm)
		}
		counts[i]++
	}
	for i := range traces {
		traces[i].Title = fmt.Sprintf("%s waits here:", comms[i])
		if counts[i] > 1 {
			traces[i].Title = fmt.Sprintf("%s and %d more wait here:", comms[i], counts[i]-1)
		}
	}
	return traces[:min(len(traces), mostWaiting)]
}
