package scenarios

import (
	"syscall"
	"testing"

	"ktcp/harness"
)

func TestNetnsEachServesItsOwn(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web, "port=9999")
	red, blue := g.Netns("red"), g.Netns("blue")

	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
	blue.Refuses(kweb.Addr)
	g.Init().Refuses(kweb.Addr)

	// The same host and port, served by both at once.
	kweb.Enable(blue)
	red.Get(kweb.Addr).WantStatus(200)
	blue.Get(kweb.Addr).WantStatus(200)

	kweb.Disable(red)
	red.Refuses(kweb.Addr)
	blue.Get(kweb.Addr).WantStatus(200)
}

func TestNetnsDisabledMeansRefused(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")

	red.Refuses(kweb.Addr) // off is how it starts
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
	kweb.Disable(red)
	red.Refuses(kweb.Addr)
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
}

func TestNetnsStatusReadsBack(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	red, late := g.Netns("red"), g.Init()

	kweb.WantStatus(red, 0)
	kweb.Enable(red)
	kweb.WantStatus(red, 1)
	kweb.WantStatus(late, 0) // each namespace has its own file
	kweb.Enable(red)         // a repeated value changes nothing
	kweb.WantStatus(red, 1)
	red.Get(kweb.Addr).WantStatus(200)
	kweb.Disable(red)
	kweb.Disable(red)
	kweb.WantStatus(red, 0)

	// A namespace that is created while the module is loaded gets its file too.
	blue := g.Netns("blue")
	kweb.WantStatus(blue, 0)
}

func TestNetnsStatusRefusesOtherValues(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	kweb.Needs(harness.FeatureValidation)
	red := g.Netns("red")

	for _, on := range []bool{false, true} {
		want := 0
		if on {
			kweb.Enable(red)
			want = 1
		}
		for _, value := range []string{"2", "-1", "on", "1x", "11", "0x1", " ", "\n", "1 0", "true"} {
			red.WriteFails(harness.StatusFile, value, syscall.EINVAL)
		}
		kweb.WantStatus(red, want)
	}
	red.Get(kweb.Addr).WantStatus(200)
}

// A server needs nobody who looks after it: the process that switched it on may leave.
func TestNetnsServesAfterItsCreatorLeft(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")

	kweb.Enable(red) // by a thread of the agent that ends with the request
	red.Get(kweb.Addr).WantStatus(200)
	kweb.Rmmod()
	red.Refuses(kweb.Addr)
	if red.Has("/sys/kernel/webserver") {
		t.Error("/sys/kernel/webserver is still there after rmmod")
	}
}

// The client's socket lives in the namespace too and holds it: it dies when the client has gone.
func TestNetnsDeletedWhileServing(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")

	kweb.Enable(red)
	red.Dial(kweb.Addr) // idle
	red.Dial(kweb.Addr).Send("GET / HT")
	red.Delete()
	g.NamespacesDie()
}

// The client sits in another namespace: nothing but the server's own socket is left in the one that dies.
func TestNetnsDeletedWithRemoteConnections(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	red, blue := g.Netns("red"), g.Netns("blue")
	red.Veth("10.0.0.1/24", blue, "10.0.0.2/24")

	kweb.Enable(red)
	blue.Get(kweb.At("10.0.0.1")).WantStatus(200)
	blue.Dial(kweb.At("10.0.0.1")) // idle
	blue.Dial(kweb.At("10.0.0.1")).Send("GET / HTTP/1.1\r\nHo")
	unread := blue.Dial(kweb.At("10.0.0.1"))
	unread.Send("GET / HTTP/1.1\r\nHost: red\r\n\r\n")
	red.Dies()

	kweb.WantStatus(blue, 0)
	kweb.Enable(blue)
	blue.Get(kweb.Addr).WantStatus(200)
}

func TestNetnsRmmodWithConnections(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)

	var waiting []*harness.Conn
	for _, n := range []*harness.Netns{g.Init(), g.Netns("red"), g.Netns("blue"), g.Netns("green")} {
		kweb.Enable(n)
		idle, half := n.Dial(kweb.Addr), n.Dial(kweb.Addr)
		half.Send("GET / HTTP/1.1\r\nHost: ")
		unread := n.Dial(kweb.Addr)
		unread.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		n.Get(kweb.Addr).WantStatus(200)
		waiting = append(waiting, idle, half)
	}
	kweb.Rmmod()
	for _, c := range waiting {
		c.Ends()
	}
}

func TestNetnsCreatedAndDeletedInNumbers(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)

	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		n := g.Netns(name)
		kweb.Enable(n)
		n.Get(kweb.Addr).WantStatus(200)
		n.Delete()
	}
	g.NamespacesDie()
}
