package scenarios

import (
	"testing"

	"ktcp/harness"
)

// Clients that are connected and say nothing cost nothing: the processors come to rest, with them and after them.
func TestRestWithIdleClients(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		g := harness.Clone(t)
		s := serve(t, g, role)
		var idle []*harness.Conn
		for range 64 {
			idle = append(idle, s.Dial(s.Addr))
		}
		s.asked(t)
		g.WantRest()
		for _, c := range idle {
			c.Close()
		}
		g.WantRest()
	}, roles...)
}
