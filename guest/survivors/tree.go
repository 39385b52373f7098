package survivors

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// tree is a directory of which entries are listed.
type tree struct {
	root  string
	depth int      // 1: its entries; 2: also theirs, and so on
	skip  []string // names directly below root that are not entered
	// skipNumbers leaves out entries whose names are numbers, which are processes.
	skipNumbers bool
}

// anyDepth is deeper than any tree.
const anyDepth = 100

var (
	// The kernel's own large trees are listed without what is in them.
	kernelTree = tree{root: "/sys/kernel", depth: anyDepth, skip: []string{
		"btf", "cgroup", "config", "debug", "iommu_groups", "irq", "livepatch", "mm", "security", "slab", "software_nodes", "tracing",
	}}
	trees = []tree{
		kernelTree,
		{root: "/sys/kernel/slab", depth: 1},
		{root: "/sys/kernel/debug", depth: 1},
		{root: "/sys/module", depth: 1},
		{root: "/sys/class", depth: 2},
		{root: "/sys/devices/virtual", depth: 2},
		{root: "/sys/fs", depth: 1},
	}
	procTrees = []tree{
		{root: "/proc", depth: 1, skipNumbers: true},
		{root: "/proc/net", depth: 2},
		{root: "/proc/fs", depth: 1},
		{root: "/proc/driver", depth: 1},
		{root: "/proc/sys", depth: 2, skip: []string{"net"}},
		// Not what each interface has, which is a level deeper: those are made by the scenario.
		{root: "/proc/sys/net", depth: 2},
	}
	// What differs between namespaces.
	netnsTrees     = []tree{kernelTree, {root: "/sys/class/net", depth: 1}}
	netnsProcTrees = []tree{{root: "/proc/net", depth: 2}}
)

// listAll lists trees. at tells where a path is to be read; entries are named by the path itself.
func listAll(trees []tree, at func(path string) string) ([]string, error) {
	var all []string
	for _, t := range trees {
		entries, err := t.list(at(t.root))
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// list returns the entries below the root, which is read at dir. A directory that is not there, or goes away meanwhile, has none; one
// that cannot be read is an error, because anything may be in it.
func (t tree) list(dir string) ([]string, error) {
	var entries []string
	var walk func(dir, name string, depth int) error
	walk = func(dir, name string, depth int) error {
		children, err := os.ReadDir(dir)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", name, err)
		}
		for _, c := range children {
			top := depth == t.depth
			if top && t.skipNumbers && isNumber(c.Name()) {
				continue
			}
			full := path.Join(name, c.Name())
			entries = append(entries, full)
			if c.IsDir() && depth > 1 && !(top && slices.Contains(t.skip, c.Name())) {
				if err := walk(path.Join(dir, c.Name()), full, depth-1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := walk(dir, t.root, t.depth)
	return entries, err
}

func isNumber(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
