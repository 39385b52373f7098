package scenarios

import (
	"testing"
	"time"

	"ktcp/harness"
)

// Ten minutes in which nothing happens are over at once: the watchdog of a request is one.
func TestInstructionsWaitingTakesNoTime(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	defer g.Init().Occupy("127.0.0.1:7000")()
	c := g.Init().Dial("127.0.0.1:7000")
	c.Silent(10 * time.Minute)
	c.Close()
}

// A client that never finishes its request is told so when its time is over, and another one is not kept waiting.
func TestInstructionsRequestTimesOut(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kweb := httpServer(g, harness.Web)
	c := g.Init().Dial(kweb.Addr)
	c.Send("GET / HTTP/1.1\r\nHo")
	g.Init().Get(kweb.Addr).WantStatus(200)
	c.Silent(6 * time.Second) // of the ten that it has
	c.Response().WantStatus(408)
	kweb.WantStatus(g.Init(), 1)
}
