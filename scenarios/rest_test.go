package scenarios

import (
	"testing"

	"ktcp/harness"
)

// Clients that are connected and say nothing cost nothing: the processors come to rest, with them and after them.
func TestRestWithIdleClients(t *testing.T) {
	for _, role := range []harness.Role{harness.Web, harness.HTTP} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			g := harness.Clone(t)
			s := httpServer(g, role)
			for range 64 {
				g.Init().Dial(s.Addr)
			}
			g.Init().Get(s.Addr).WantStatus(200)
			g.WantRest()
		})
	}
}
