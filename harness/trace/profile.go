package trace

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ktcp/harness/figure"
	"ktcp/harness/flame"
)

// Frame is a function on a stack.
type Frame struct {
	Func   string
	Module bool   // it is the module's, with what was inlined into its functions
	At     string // the line of source that was executed or called from, "core/io.c:131", where it is known
}

// Seen is a stack that was seen.
type Seen struct {
	Task   string
	Kernel bool    // the thread is one of the kernel's
	Frames []Frame // innermost first; none: user space
	Count  int
}

// Profile is where the instructions of a load's requests went.
type Profile struct {
	figure.Setting
	Load  string
	Name  string // of the module
	Build string
	About string // the load in words
	// Instructions is how many a request took while nobody looked.
	Instructions float64
	Samples      int
	Stacks       []Seen
}

// Part is what some of the instructions of a request were spent on.
type Part struct {
	Name         string
	Share        float64 // of 1
	Instructions float64 // of a request
}

// The parts that a request is split into, each sample belonging to one.
const (
	partOwn    = "the module's own code"
	partCalled = "what the module calls: sockets, TCP, memory, down to the client's socket"
	partServer = "kernel threads outside of the module: workqueue, scheduler"
	partSystem = "the client's system calls: TCP down to the module's socket, epoll"
	partUser   = "the client in user space"
)

// Parts splits the instructions of a request.
func (p *Profile) Parts() []Part {
	counts := map[string]int{}
	for _, s := range p.Stacks {
		counts[s.part()] += s.Count
	}
	var parts []Part
	for _, name := range []string{partOwn, partCalled, partServer, partSystem, partUser} {
		parts = append(parts, p.portion(name, counts[name]))
	}
	return parts
}

// part says which one the stack belongs to.
func (s Seen) part() string {
	switch {
	case len(s.Frames) == 0:
		return partUser
	case s.Frames[0].Module:
		return partOwn
	case slices.ContainsFunc(s.Frames, func(f Frame) bool { return f.Module }):
		return partCalled
	case s.Kernel:
		return partServer
	}
	return partSystem
}

func (p *Profile) portion(name string, count int) Part {
	share := float64(count) / float64(max(p.Samples, 1))
	return Part{Name: name, Share: share, Instructions: share * p.Instructions}
}

// Lines are the lines of the module in which, or below which, most was spent, most first. A stack counts once for each line on it.
func (p *Profile) Lines() []Part {
	counts := map[string]int{}
	for _, s := range p.Stacks {
		seen := map[string]bool{}
		for _, f := range s.Frames {
			if name := f.name(); f.Module && !seen[name] {
				seen[name] = true
				counts[name] += s.Count
			}
		}
	}
	return p.ranked(counts)
}

// Functions are the functions in which most was spent, without what they called, most first.
func (p *Profile) Functions() []Part {
	counts := map[string]int{}
	for _, s := range p.Stacks {
		if len(s.Frames) > 0 {
			counts[s.Frames[0].Func] += s.Count
		}
	}
	return p.ranked(counts)
}

// ranked is the counts as parts, the largest first.
func (p *Profile) ranked(counts map[string]int) []Part {
	var parts []Part
	for name, n := range counts {
		parts = append(parts, p.portion(name, n))
	}
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Name, b.Name))
	})
	return parts
}

// name is what stands in a frame's box.
func (f Frame) name() string {
	if f.At == "" {
		return f.Func
	}
	return f.Func + " " + f.At
}

// Flame returns the stacks as they are drawn: below each the kind of task.
func (p *Profile) Flame() []flame.Stack {
	var stacks []flame.Stack
	for _, s := range p.Stacks {
		frames := []flame.Frame{{Name: taskKind(s.Task), Kind: flame.User}}
		for _, f := range slices.Backward(s.Frames) {
			frame := flame.Frame{Name: f.name(), Kind: flame.Kernel}
			if f.Module {
				frame.Kind = flame.Module
			}
			frames = append(frames, frame)
		}
		if len(s.Frames) == 0 {
			frames = append(frames, flame.Frame{Name: "user space", Kind: flame.User})
		}
		stacks = append(stacks, flame.Stack{Frames: frames, Count: s.Count})
	}
	return stacks
}

// taskKind is a task's name without what tells it from others of its kind: "kworker/0:1" is one of many.
func taskKind(task string) string {
	kind, _, _ := strings.Cut(task, "/")
	if kind == "init" { // the agent, in which the clients are
		return "clients"
	}
	return kind
}

// chart is what the flame graph says about itself.
func (p *Profile) chart() flame.Chart {
	return flame.Chart{
		Title: fmt.Sprintf("%s, %s: where the instructions of a request go", p.Name, p.About),
		Subtitle: fmt.Sprintf("%s %s, Linux %s (%s), %s, clock: %s. %.0f instructions a request, %d samples. A box is as wide as its share; callers below.",
			p.Name, p.Build, p.Kernel, p.Flavor, p.Accelerator, p.Clock, p.Instructions, p.Samples),
		Total: p.Instructions, Unit: "instructions a request",
	}
}

// Files of a profile, after the name of its load.
const (
	foldedExt = ".stacks.folded"
	svgExt    = ".svg"
	textExt   = ".profile.txt"
)

// Write writes the folded stacks, the flame graph and the numbers into dir.
func (p *Profile) Write(dir string) error {
	stacks := p.Flame()
	if err := create(filepath.Join(dir, p.Load+foldedExt), func(f *os.File) error { return flame.Folded(f, stacks) }); err != nil {
		return err
	}
	if err := create(filepath.Join(dir, p.Load+svgExt), func(f *os.File) error { return flame.SVG(f, p.chart(), stacks) }); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, p.Load+textExt), []byte(p.text()), 0o644)
}

func create(file string, fill func(*os.File) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := fill(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", filepath.Base(file), err)
	}
	return f.Close()
}
