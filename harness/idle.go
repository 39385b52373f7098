package harness

import (
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

const (
	// restWindow and restLimit are how long processors are looked at, and how long they may take to come to rest, in guest time.
	restWindow = 200 * time.Millisecond
	restLimit  = 5 * time.Second
)

// WantRest looks whether the guest's processors come to rest, while what is loaded stays loaded and clients stay connected. One that
// does not is a finding: somebody waits by running.
func (g *Guest) WantRest() {
	g.tb.Helper()
	answer, err := try(g, wire.Idle, wire.IdleRequest{Window: restWindow, Limit: restLimit})
	if err != nil {
		g.blind(finding.OracleIdle, err)
		return
	}
	g.found(finding.NotIdle(g.servers(), answer)...)
}
