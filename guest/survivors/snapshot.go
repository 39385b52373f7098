package survivors

import (
	"fmt"

	"ktcp/guest/wire"
)

// Namespaces is what a snapshot needs of the agent's network namespaces.
type Namespaces interface {
	Do(netns string, f func() error) error
	Names() []string
	Live() (int, error)
	Destroying() (bool, error)
}

// Snapshots takes snapshots.
type Snapshots struct {
	spaces Namespaces
	// translate turns a path as a process in a namespace would use it into one for a thread inside it.
	translate func(netns, path string) string
	known     map[int]wire.Thread // the kernel threads that were there when the guest came up
}

// New returns what takes snapshots. The kernel threads that are there now are taken for the kernel's own.
func New(spaces Namespaces, translate func(netns, path string) string) (*Snapshots, error) {
	s := &Snapshots{spaces: spaces, translate: translate, known: map[int]wire.Thread{}}
	threads, err := kernelThreads(procDir)
	if err != nil {
		return nil, err
	}
	for _, t := range threads {
		s.known[t.PID] = t
	}
	return s, nil
}

// Take takes a snapshot.
func (s *Snapshots) Take(wire.None) (wire.SurvivorsAnswer, error) {
	answer := wire.SurvivorsAnswer{Netns: -1}
	var err error
	if answer.Threads, err = strangers(procDir, s.known); err != nil {
		return answer, err
	}
	own, err := ownSockets()
	if err != nil {
		return answer, err
	}
	if err := s.list(&answer, "", trees, procTrees); err != nil {
		return answer, err
	}
	for _, name := range append([]string{""}, s.spaces.Names()...) {
		err := s.spaces.Do(name, func() error {
			sockets, err := tcpSockets(name, own)
			answer.Sockets = append(answer.Sockets, sockets...)
			if err != nil || name == "" {
				return err
			}
			return s.list(&answer, name, netnsTrees, netnsProcTrees)
		})
		if err != nil {
			return answer, fmt.Errorf("survivors in namespace %q: %w", name, err)
		}
	}
	// In this order: what has ended since the first question is counted, and it takes one more look.
	if answer.Destroying, err = s.spaces.Destroying(); err != nil {
		return answer, err
	}
	if answer.Netns, err = s.spaces.Live(); err != nil {
		return answer, err
	}
	return answer, nil
}

// Sockets lists the sockets of the namespaces that the agent knows, a small part of a snapshot's work.
func (s *Snapshots) Sockets(req wire.SocketsRequest) (wire.SocketsAnswer, error) {
	var answer wire.SocketsAnswer
	own, err := ownSockets()
	if err != nil {
		return answer, err
	}
	names := s.spaces.Names()
	if req.Initial {
		names = append(names, "")
	}
	for _, name := range names {
		err := s.spaces.Do(name, func() error {
			sockets, err := tcpSockets(name, own)
			answer.Sockets = append(answer.Sockets, sockets...)
			return err
		})
		if err != nil {
			return answer, fmt.Errorf("sockets in namespace %q: %w", name, err)
		}
	}
	return answer, nil
}

// LiveNetns counts the network namespaces that live.
func (s *Snapshots) LiveNetns(wire.None) (answer wire.LiveNetnsAnswer, err error) {
	answer.Live, err = s.spaces.Live()
	return answer, err
}

// list adds the entries of trees to a snapshot, as a thread in the namespace sees them.
func (s *Snapshots) list(answer *wire.SurvivorsAnswer, name string, sysfs, proc []tree) error {
	here := func(p string) string { return s.translate(name, p) }
	entries, err := listAll(sysfs, here)
	if err != nil {
		return err
	}
	answer.Sysfs = append(answer.Sysfs, within(name, entries)...)
	if entries, err = listAll(proc, here); err != nil {
		return err
	}
	answer.Proc = append(answer.Proc, within(name, entries)...)
	return nil
}

// within marks entries as those of a namespace; the initial one has no mark.
func within(name string, entries []string) []string {
	if name == "" {
		return entries
	}
	for i := range entries {
		entries[i] = name + ":" + entries[i]
	}
	return entries
}
