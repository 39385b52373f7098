package scenarios

import (
	"strings"
	"testing"

	"ktcp/harness"
)

// All that a server has been through leaves nothing that nobody points to, by the kernel's own scan: on the kasan flavor this
// sees also what is too large for the slab.
func TestLeaksNothingIsForgotten(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.ScanForLeaks())
	s := g.Serve(harness.Web)
	red, blue := g.Netns("red"), g.Netns("blue")
	for range 2 {
		s.Enable(red)
		s.Enable(blue)
		red.Get(s.Addr).WantStatus(200)
		idle := red.Dial(s.Addr)
		idle.Send("GET / HTTP/1.1\r\nHo")
		load := blue.Traffic(s.Addr, 4, "")
		red.Get(s.Addr).WantStatus(200)
		load.Stop()
		s.Disable(red)
		s.Disable(blue)
		idle.Close()
	}
	s.Enable(blue)
	blue.Dies()
}

// What is sent takes buffers of all sizes.
func TestLeaksNoBufferIsForgotten(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		g := harness.Clone(t, harness.ScanForLeaks())
		s := g.Serve(role)
		c := g.Init().Dial(s.Addr)
		if role == harness.Echo {
			c.Echo(256 << 10)
			return
		}
		c.Send(strings.Repeat("GET / HTTP/1.1\r\nHost: guest\r\n\r\n", 500))
		c.Answer("GET").WantStatus(200)
		c.Close()
	}, harness.Echo, harness.HTTP)
}
