package harness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
	"ktcp/harness/trace"
)

// Calls has the kernel note what the module's functions call while f has clients ask it, and returns that with our lines of source.
// depth bounds how deep; 0 does not.
func (s *Subject) Calls(depth int, about string, f func()) trace.Graph {
	g := s.g
	g.tb.Helper()
	// The tracer changes all functions of the kernel, which an emulated processor takes its time for.
	if _, err := tryWithin(g, programDeadline, wire.GraphStart, wire.GraphRequest{Module: s.Name, Depth: depth}); err != nil {
		g.broken = err
		g.tb.Fatal(err)
	}
	f()
	answer, err := tryWithin(g, programDeadline, wire.GraphStop, wire.None{})
	if err != nil {
		g.tb.Fatalf("%s: %v", wire.GraphStop.Name, err)
	}
	text, known := trace.Annotate(answer.Text, s.Name, func(function string) string {
		frames := s.symbols().Frames(finding.Frame{Func: function, Module: s.Name, IP: true})
		if len(frames) == 0 {
			return ""
		}
		return at(frames[len(frames)-1])
	})
	if known == 0 {
		g.tb.Errorf("no function of %s was called: nothing was traced", s.Name)
	}
	return trace.Graph{About: about, Text: text, Lost: answer.Lost}
}

// Period is how often stacks are looked at, in guest time: every 100,003 instructions, a prime, so that nothing keeps step with it.
const Period = 100003 * time.Nanosecond

// Profile runs a load twice: first to see what a request takes, then with somebody who looks where. Every request must be answered
// well.
func (s *Subject) Profile(name, about string, req wire.LoadRequest) *trace.Profile {
	g := s.g
	g.tb.Helper()
	m := s.Measure(name, req)
	if m.Bad != "" {
		g.tb.Fatalf("load %s: %s", name, m.Bad)
	}
	req.Addr = s.Addr
	answer, err := tryWithin(g, programDeadline, wire.Profile, wire.ProfileRequest{Load: req, Period: Period})
	switch {
	case err != nil:
		g.tb.Fatalf("profile %s: %v", name, err)
	case answer.Result.Good != req.Requests:
		g.tb.Fatalf("profile %s: %d of %d requests were answered well: %+v", name, answer.Result.Good, req.Requests, counts(answer.Result))
	case answer.Lost > 0 || answer.Samples == 0:
		g.tb.Fatalf("profile %s: %d samples, and %d were lost", name, answer.Samples, answer.Lost)
	}
	b := g.build(s.Name)
	p := &trace.Profile{
		Setting: g.setting(), Load: name, Name: s.Name, Build: b.ID[:min(12, len(b.ID))], About: about,
		Instructions: m.Instructions(), Samples: answer.Samples,
	}
	for _, stack := range answer.Stacks {
		seen := trace.Seen{Task: stack.Task, Kernel: stack.Kernel, Count: stack.Count}
		for i, index := range stack.Frames {
			seen.Frames = append(seen.Frames, s.frames(answer.Frames[index], i == 0)...)
		}
		p.Stacks = append(p.Stacks, seen)
	}
	return p
}

// frames returns a frame of a stack, and before it what was inlined there.
func (s *Subject) frames(f wire.StackFrame, innermost bool) []trace.Frame {
	if f.Module == s.Name {
		found := s.symbols().Frames(finding.Frame{Addr: finding.Addr(f.Addr), IP: innermost})
		var frames []trace.Frame
		for _, x := range found {
			frames = append(frames, trace.Frame{Func: x.Func, Module: true, At: at(x)})
		}
		if frames != nil {
			return frames
		}
	}
	if f.Func == "" {
		f.Func = fmt.Sprintf("%#x", f.Addr)
	}
	return []trace.Frame{{Func: f.Func, Module: f.Module == s.Name}}
}

// symbols are those of the module's last insmod.
func (s *Subject) symbols() *finding.Symbolizer {
	s.g.tb.Helper()
	for _, l := range slices.Backward(s.g.loads) {
		if l.Name == s.Name {
			return l.symbols
		}
	}
	s.g.tb.Fatalf("%s was never loaded", s.Name)
	return nil
}

// at is a frame's line of source.
func at(f finding.Frame) string {
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", strings.TrimPrefix(f.File, "./"), f.Line)
}
