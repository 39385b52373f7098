package netns

import (
	"fmt"
	"slices"
	"time"
)

// The kernel tells when the destruction of a namespace begins and not when it ends, so that is looked for, at
// growing intervals.
const (
	firstLook = time.Millisecond
	lastLook  = 20 * time.Millisecond
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
	t.dying = append(t.dying, s.id)
	t.mu.Unlock()
	deadline := time.Now().Add(wait)
	// Listened to from before the last reference goes, so that the end cannot be missed.
	events, err := listenIDs()
	if err != nil {
		return false, err
	}
	defer events.close()
	if err := s.drop(); err != nil || wait <= 0 {
		return false, err
	}
	for {
		ids, err := readIDs()
		if err != nil {
			return false, err
		}
		if !ids[s.id] {
			break
		}
		if ok, err := events.next(time.Until(deadline)); err != nil || !ok {
			return false, err
		}
	}
	for look := firstLook; ; look = min(2*look, lastLook) {
		busy, err := t.destroying()
		if err != nil {
			return false, err
		}
		if !busy {
			return true, nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return false, nil
		}
		time.Sleep(min(look, left))
	}
}

// Destroying reports whether the kernel is destroying namespaces at this moment.
func (t *Table) Destroying() (bool, error) { return t.destroying() }

// Live returns the number of network namespaces beside the initial one: those that have a name and those that were
// deleted and have not been destroyed yet, because something keeps them alive or because that takes its time.
func (t *Table) Live() (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.dying) > 0 {
		ids, err := readIDs()
		if err != nil {
			return 0, err
		}
		busy, err := t.destroying()
		if err != nil {
			return 0, err
		}
		// Those without a number are being destroyed, or are no more where nothing is being destroyed.
		if !busy {
			t.dying = slices.DeleteFunc(t.dying, func(id int) bool { return !ids[id] })
		}
	}
	return len(t.spaces) + len(t.adding) + len(t.dying), nil
}
