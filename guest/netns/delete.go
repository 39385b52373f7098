package netns

import (
	"fmt"
	"slices"
	"time"
)

// The kernel announces the death of a namespace to nobody, so its number is watched, at growing intervals.
const (
	firstLook = 2 * time.Millisecond
	lastLook  = 50 * time.Millisecond
)

// Delete gives up the namespace called name. With wait it then waits until the kernel has destroyed it, for at most
// that long, and reports whether it was seen to be gone.
func (t *Table) Delete(name string, wait time.Duration) (gone bool, err error) {
	t.mu.Lock()
	s := t.spaces[name]
	if s == nil {
		t.mu.Unlock()
		return false, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	delete(t.spaces, name)
	t.dying = append(t.dying, s)
	err = s.drop()
	t.mu.Unlock()
	if err != nil || wait <= 0 {
		return false, err
	}
	look := firstLook
	for deadline := time.Now().Add(wait); ; look = min(2*look, lastLook) {
		gone, err := t.gone(s)
		left := time.Until(deadline)
		if gone || err != nil || left <= 0 {
			return gone, err
		}
		time.Sleep(min(look, left))
	}
}

// gone reports whether s has been destroyed for certain. What is known is only the number of namespaces, so s is gone
// when no more are left than those in the table and those deleted ones, without s, that a caller still holds. While
// one is being made the number says nothing.
func (t *Table) gone(s *space) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.dying, s) {
		return true, nil
	}
	if s.holds > 0 || len(t.adding) > 0 {
		return false, nil
	}
	n, err := Live()
	if err != nil {
		return false, err
	}
	var held []*space
	for _, d := range t.dying {
		if d.holds > 0 {
			held = append(held, d)
		}
	}
	if n > len(t.spaces)+len(held) {
		shrink()
		return false, nil
	}
	t.dying = held // of the others none can be left
	return true, nil
}
