package harness

import (
	"fmt"
	"strings"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/figure"
	"ktcp/harness/versus"
)

// setting is what must be the same for numbers from two guests to be compared.
func (g *Guest) setting() figure.Setting {
	d := g.describe()
	return figure.Setting{Kernel: d.Kernel, Flavor: d.Flavor, Accelerator: d.Accelerator, Clock: d.Clock}
}

// Enter notes in the record of a contest that the module with that index is measured in this guest from now on. A guest that is not
// like those before ends the contest.
func (s *Subject) Enter(r *versus.Record, module int) {
	s.g.tb.Helper()
	if err := r.Note(s.g.setting(), s.g.vm.Template(), module, s.g.build(s.Name).ID); err != nil {
		s.g.broken = err
		s.g.tb.Fatal(err)
	}
}

// Measure runs a load with a number of requests and returns what it took. Answers that are bad do not fail the test: they are what
// came of the measurement.
func (s *Subject) Measure(name string, req wire.LoadRequest) versus.Measurement {
	g := s.g
	g.tb.Helper()
	req.Addr = s.Addr
	m := versus.Measurement{Load: name, Requests: req.Requests}
	before := g.idleTime()
	result, err := tryWithin(g, programDeadline, wire.LoadRun, req)
	if g.vm.Err() != nil {
		g.tb.Fatalf("load %s: %v", name, err)
	}
	m.Elapsed = result.Elapsed
	// The kernel shows whole ticks: one is no sign of anything.
	if idle := g.idleTime() - before; idle > tick {
		m.Idle = min(idle, m.Elapsed)
	}
	switch {
	case err != nil:
		m.Bad = err.Error()
	case req.KeepAlive && result.Conns > mostReopened*req.Conns:
		m.Bad = fmt.Sprintf("it does not keep its connections: it took %d of them for %d requests", result.Conns, result.Requests())
	case req.Duration > 0 && result.Elapsed >= req.Duration && result.Good < req.Requests:
		m.Bad = fmt.Sprintf("only %d of %d requests were answered within %v of guest time", result.Good, req.Requests, req.Duration)
	case result.Good != req.Requests:
		m.Bad = fmt.Sprintf("%d of %d requests were not answered well: %+v", req.Requests-result.Good, req.Requests, counts(result))
	}
	m.Bad, _, _ = strings.Cut(m.Bad, "\n")
	return m
}

// mostReopened is how often each client of a load that keeps its connection may have to open it.
const mostReopened = 2

// tick is the unit of times in /proc/stat.
const tick = 10 * time.Millisecond

// idleTime is how long the guest's processor has had nothing to do since it booted.
func (g *Guest) idleTime() time.Duration {
	g.tb.Helper()
	var user, nice, system, idle, iowait int64
	text := g.Init().ReadFile("/proc/stat")
	if _, err := fmt.Sscanf(text, "cpu %d %d %d %d %d", &user, &nice, &system, &idle, &iowait); err != nil {
		g.tb.Fatalf("no idle time in /proc/stat: %v", err)
	}
	return time.Duration(idle+iowait) * tick
}
