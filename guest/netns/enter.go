package netns

import (
	"fmt"
	"path"
	"strings"

	"github.com/vishvananda/netns"
)

// Do runs f on a thread inside the namespace called name; "" is the initial one. Sockets and mounts that f makes
// belong to that namespace for ever and may be used from any thread later. The namespace lives at least as
// long as f runs.
func (t *Table) Do(name string, f func() error) error {
	if name == "" {
		return f()
	}
	return t.onThread(func() error {
		if err := t.enter(name); err != nil {
			return err
		}
		return f()
	})
}

// enter moves the calling thread.
func (t *Table) enter(name string) error {
	t.mu.Lock() // Delete must not close the handle meanwhile
	defer t.mu.Unlock()
	s := t.spaces[name]
	if s == nil {
		return fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	if err := netns.Set(s.fd); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", name, err)
	}
	return nil
}

// Space returns what tells the namespace that is called name now from every other, also from one that has its name
// later. The initial one is nil.
func (t *Table) Space(name string) (any, error) {
	if name == "" {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.spaces[name]
	if s == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	return s, nil
}

// Path translates a path as a process in the namespace would use it into one that has that meaning on a thread inside
// [Table.Do]: /sys is the sysfs of that namespace, and /proc/net is that of the thread, not of the process.
func Path(name, file string) string {
	file = path.Clean(file)
	if rest, ok := below(file, "/proc/net"); ok {
		return "/proc/thread-self/net" + rest
	}
	if rest, ok := below(file, "/proc/self/net"); ok {
		return "/proc/thread-self/net" + rest
	}
	if name == "" {
		return file
	}
	if rest, ok := below(file, "/sys"); ok {
		return sysDir(name) + rest
	}
	return file
}

// below reports whether file is dir or lies below it, and returns what comes after dir.
func below(file, dir string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(file, dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}
