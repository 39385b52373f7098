package harness

import (
	"fmt"
	"path"
)

// Counter reads one of the counters that a server keeps in the namespace, as "accepted".
func (m *Module) Counter(n *Netns, name string) int {
	m.g.tb.Helper()
	dir := "/sys/kernel/" + m.Name + "/net/data"
	if m.Name == Web.Reference() {
		dir = path.Dir(StatusFile)
	}
	file := path.Join(dir, "statistics", name)
	text := n.ReadFile(file)
	var value int
	if _, err := fmt.Sscanf(text, "%d\n", &value); err != nil {
		m.g.tb.Errorf("%s in %v reads %q, want a number", file, n, text)
	}
	return value
}

// AwaitCounter waits until a counter reads want, and fails the test when it does not.
func (m *Module) AwaitCounter(n *Netns, name string, want int) {
	m.g.tb.Helper()
	got := 0
	_ = await(Patience, func() (bool, error) {
		got = m.Counter(n, name)
		return got == want, nil
	})
	if got != want {
		m.g.tb.Errorf("%s of %s in %v is %d, want %d", name, m.Name, n, got, want)
	}
}
