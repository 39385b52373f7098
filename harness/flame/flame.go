// Package flame draws flame graphs: stacks that were seen, as folded lines that other tools read, and as an SVG in which a frame is as
// wide as the part of the time that was spent in it and in what it called.
//
// Its contract: what is drawn is what the stacks say; only frames too narrow to be seen are left out, and the picture says how narrow.
// The order of frames side by side is that of their names and means nothing.
package flame

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Kind says whose code a frame is.
type Kind int

// The kinds, each with a colour of its own.
const (
	Kernel Kind = iota
	Module      // the code that is looked at
	User        // user space, and the names of tasks
)

// Frame is a function.
type Frame struct {
	Name string // in the box
	Kind Kind
}

// Stack is a stack that was seen, outermost function first.
type Stack struct {
	Frames []Frame
	Count  int // how often
}

// Folded writes a line for each stack: "outer;inner 12", sorted.
func Folded(w io.Writer, stacks []Stack) error {
	lines := map[string]int{}
	for _, s := range stacks {
		names := make([]string, len(s.Frames))
		for i, f := range s.Frames {
			names[i] = strings.ReplaceAll(f.Name, ";", ":")
		}
		lines[strings.Join(names, ";")] += s.Count
	}
	out := bufio.NewWriter(w)
	for _, l := range sortedKeys(lines) {
		fmt.Fprintf(out, "%s %d\n", l, lines[l])
	}
	return out.Flush()
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// node is a frame with all that was seen above it.
type node struct {
	Frame
	count    int
	children []*node
}

// tree merges stacks that begin alike.
func tree(stacks []Stack) *node {
	root := &node{}
	for _, s := range stacks {
		root.count += s.Count
		at := root
		for _, f := range s.Frames {
			i := slices.IndexFunc(at.children, func(c *node) bool { return c.Frame == f })
			if i < 0 {
				i = len(at.children)
				at.children = append(at.children, &node{Frame: f})
			}
			at = at.children[i]
			at.count += s.Count
		}
	}
	root.sort()
	return root
}

func (n *node) sort() {
	slices.SortFunc(n.children, func(a, b *node) int { return cmp.Compare(a.Name, b.Name) })
	for _, c := range n.children {
		c.sort()
	}
}

// depth is how many frames are above each other where all are at least that often seen.
func (n *node) depth(least float64) int {
	deepest := 0
	for _, c := range n.children {
		if float64(c.count) >= least {
			deepest = max(deepest, 1+c.depth(least))
		}
	}
	return deepest
}
