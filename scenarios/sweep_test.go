package scenarios

import (
	"testing"

	"ktcp/harness"
)

// Each of these has one allocation after the other fail. What cannot go on must be refused, cleanly: nothing leaks, nothing is
// left half done, and without a fault all works as before.

func TestSweepInsmod(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		g := harness.Clone(t, harness.FailingAllocations())
		s := g.Serve(role)
		s.Rmmod()
		s.SweepInsmod()
		s.Reload()
	}, harness.Web)
}

func TestSweepStatus(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.FailingAllocations())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")
	red.SweepWrite(harness.StatusFile, "1", "0")
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
}

func TestSweepNetns(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.FailingAllocations())
	kweb := g.Serve(harness.Web)
	g.SweepNetns()
	red := g.Netns("red")
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
}
