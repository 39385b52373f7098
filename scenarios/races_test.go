package scenarios

import (
	"syscall"
	"testing"

	"ktcp/harness"
)

func TestToggleUnderTraffic(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")
	kweb.Enable(red)
	answer := red.Get(kweb.Addr)

	traffic := red.Traffic(kweb.Addr, 8, answer.Body)
	outcomes := red.WriteLoop(harness.StatusFile, 1, 200, "0", "1")
	result := traffic.Stop()

	if outcomes[0] != 200 {
		t.Errorf("200 writes to status: %v by errno, want all to succeed", outcomes)
	}
	if result.Good == 0 {
		t.Errorf("not one request was answered while the server was switched on and off: %+v", result)
	}
	kweb.WantStatus(red, 1)
	red.Get(kweb.Addr).WantStatus(200)
}

func TestStartAndStopFromSeveralThreads(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")

	outcomes := red.WriteLoop(harness.StatusFile, 4, 100, "1", "0", "1")
	if outcomes[0] != 400 {
		t.Errorf("400 writes to status by 4 threads: %v by errno, want all to succeed", outcomes)
	}
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
	kweb.Disable(red)
	red.Refuses(kweb.Addr)
}

func TestRmmodWhileStatusIsWritten(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")

	wait := red.StartWriteLoop(harness.StatusFile, 2, 2000, "1", "0")
	kweb.Rmmod()
	outcomes := wait()
	if outcomes[0] == 0 || len(outcomes) < 2 {
		t.Errorf("writing status: %v by errno, want some before the module went and some after", outcomes)
	}
	for errno := range outcomes {
		switch errno {
		case 0, syscall.ENOENT, syscall.ENODEV: // written, gone, or going
		default:
			t.Errorf("writing status while the module went: %v", errno)
		}
	}
}

// The exit waits for connections, and whoever has the file open may write to it meanwhile: nothing may be started that nobody stops.
func TestRmmodWhileItIsSwitchedOn(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")
	for round := range 3 {
		if round > 0 {
			kweb.Reload()
		}
		kweb.Enable(red)
		traffic := red.Traffic(kweb.Addr, 4, red.Get(kweb.Addr).Body)
		kweb.Disable(red)
		wait := red.StartWriteLoop(harness.StatusFile, 4, 8000, "1")
		kweb.Rmmod()
		outcomes := wait()
		if outcomes[0] == 0 || len(outcomes) < 2 {
			t.Errorf("writing status: %v by errno, want some before the module went and some after", outcomes)
		}
		for errno := range outcomes {
			switch errno {
			case 0, syscall.ENOENT, syscall.ENODEV: // written, gone, or going
			default:
				t.Errorf("writing status while the module went: %v", errno)
			}
		}
		traffic.Stop()
	}
}

func TestNetnsDiesWhileStatusIsWritten(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	g.Serve(harness.Web)
	red := g.Netns("red")

	wait := red.StartWriteLoop(harness.StatusFile, 2, 300, "1", "0")
	red.Delete()
	if outcomes := wait(); outcomes[0] == 0 {
		t.Errorf("writing status: %v by errno, want some before the namespace died", outcomes)
	}
	g.NamespacesDie()
}
