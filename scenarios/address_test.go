package scenarios

import (
	"syscall"
	"testing"

	"ktcp/harness"
)

func TestAddressOfOneHost(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web, "host=127.0.0.2", "port=8080")
	red := g.Netns("red")

	kweb.Enable(red)
	red.Get("127.0.0.2:8080").WantStatus(200)
	red.Refuses("127.0.0.1:8080")
	red.Refuses("127.0.0.2:9999")
}

func TestAddressNotAvailable(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web, "host=10.9.8.7")
	red, blue := g.Netns("red"), g.Netns("blue")

	red.WriteFails(harness.StatusFile, "1", syscall.EADDRNOTAVAIL)
	kweb.WantStatus(red, 0)

	// It is no dead end: once the address is there, the same write succeeds.
	red.Veth("10.9.8.7/24", blue, "10.9.8.8/24")
	kweb.Enable(red)
	blue.Get("10.9.8.7:9999").WantStatus(200)
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	red, blue := g.Netns("red"), g.Netns("blue")

	release := red.Occupy("0.0.0.0:9999")
	red.WriteFails(harness.StatusFile, "1", syscall.EADDRINUSE)
	kweb.WantStatus(red, 0)
	kweb.Enable(blue) // another namespace's port is another port
	blue.Get(kweb.Addr).WantStatus(200)

	release()
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
}

// A server that closes first leaves its connections in TIME_WAIT: they must not keep it from its own port.
func TestAddressIsFreeAfterTraffic(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	for range 20 {
		g.Init().Get(kweb.Addr).WantStatus(200)
	}
	kweb.Disable(g.Init())
	kweb.Enable(g.Init())
	g.Init().Get(kweb.Addr).WantStatus(200)

	kweb.Rmmod()
	g.Init().Refuses(kweb.Addr)
	kweb.Reload()
	kweb.Enable(g.Init())
	g.Init().Get(kweb.Addr).WantStatus(200)
}
