package netns

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"ktcp/guest/thread"
)

// mountDir holds a directory for each namespace, with its sysfs.
const mountDir = "/run/ktcp/netns"

// nameDir is where ip-netns(8) and the package vishvananda/netns keep names.
const nameDir = "/run/netns"

// maxName is the longest name of a file.
const maxName = 255

// Table is the agent's namespaces. It is safe for concurrent use.
type Table struct {
	root    netns.NsHandle // the initial namespace
	workers *workers

	mu     sync.Mutex
	spaces map[string]*space
	adding map[string]bool // names whose namespaces are being made
	dying  []int           // numbers of those that were deleted and not yet seen to be gone
	lastID int
}

// space is one namespace. Two of the same name, one after the other, are two spaces.
type space struct {
	name string
	id   int // its nsid in the initial namespace
	fd   netns.NsHandle
}

// NewTable returns an empty table. The calling thread must be in the initial namespace.
func NewTable() (*Table, error) {
	root, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("open the initial network namespace: %w", err)
	}
	t := &Table{root: root, workers: newWorkers(procDir), spaces: map[string]*space{}, adding: map[string]bool{}}
	// Who is no worker is asked now: clones begin with the answer.
	_, err = t.destroying()
	return t, err
}

// checkName refuses what cannot be a file below /run/netns. The initial namespace is called "" and cannot be added.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

// Add makes a namespace. setUp runs inside it before it is known by its name; where it fails, the namespace is
// gone again.
func (t *Table) Add(name string, setUp func() error) error {
	if err := checkName(name); err != nil {
		return err
	}
	id, err := t.reserve(name)
	if err != nil {
		return err
	}
	s, err := t.create(name, id, setUp)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.adding, name)
	if err != nil {
		return err
	}
	t.spaces[name] = s
	return nil
}

// reserve takes a name and a number for it. The table is not locked while a namespace is made: every module's pernet init runs then, and
// may hang.
func (t *Table) reserve(name string) (id int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spaces[name] != nil || t.adding[name] {
		return 0, fmt.Errorf("%w: %s", ErrExists, name)
	}
	t.adding[name] = true
	t.lastID++ // never used again, so that one that is gone stays gone
	return t.lastID, nil
}

func (t *Table) create(name string, id int, setUp func() error) (*space, error) {
	sys := sysDir(name)
	if err := os.MkdirAll(sys, 0o755); err != nil {
		return nil, fmt.Errorf("make mount point for sysfs of %s: %w", name, err)
	}
	s := &space{name: name, id: id, fd: netns.None()}
	err := t.onThread(func() error {
		fd, err := netns.NewNamed(name)
		if err != nil {
			return fmt.Errorf("create network namespace %s: %w", name, err)
		}
		s.fd = fd
		if err := unix.Mount("sysfs", sys, "sysfs", 0, ""); err != nil {
			return fmt.Errorf("mount sysfs of %s: %w", name, err)
		}
		return setUp()
	})
	if err == nil {
		err = assignID(s.fd, id)
	}
	if err != nil {
		_ = s.drop()
		return nil, err
	}
	return s, nil
}

// Names returns the names, sorted.
func (t *Table) Names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.spaces))
}

// sysDir is where the sysfs of a namespace is mounted.
func sysDir(name string) string { return filepath.Join(mountDir, name, "sys") }

// drop gives up everything that the table itself holds of a namespace. What was already given up is no error, so that it
// also clears away what Add could not finish.
func (s *space) drop() error {
	var first error
	keep := func(what string, err error) {
		if err != nil && first == nil && !os.IsNotExist(err) && err != unix.EINVAL {
			first = fmt.Errorf("%s of %s: %w", what, s.name, err)
		}
	}
	keep("unmount sysfs", unix.Unmount(sysDir(s.name), unix.MNT_DETACH))
	keep("remove mount point", os.RemoveAll(filepath.Dir(sysDir(s.name))))
	keep("unmount name", unix.Unmount(filepath.Join(nameDir, s.name), unix.MNT_DETACH))
	keep("remove name", os.Remove(filepath.Join(nameDir, s.name)))
	if s.fd.IsOpen() {
		keep("close handle", s.fd.Close())
	}
	return first
}

// onThread runs f on a thread of its own: f may enter another namespace and need not come back. The thread is brought
// back to the initial namespace or ended.
func (t *Table) onThread(f func() error) error {
	return thread.Run(func() (reuse bool, err error) {
		err = f()
		return netns.Set(t.root) == nil, err
	})
}
