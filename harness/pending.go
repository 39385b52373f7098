package harness

import (
	"errors"
	"time"

	"ktcp/harness/finding"
	"ktcp/harness/introspect"
	"ktcp/harness/timers"
)

// judgeTimers looks for timers that would call text of the modules, which have just gone. It must do so before they are loaded again: their
// text could be where it was.
func (g *Guest) judgeTimers() {
	g.tb.Helper()
	pending, err := g.pending()
	if err != nil {
		g.blind(finding.OracleSurvivors, err)
		return
	}
	for _, t := range pending {
		g.found(finding.TimerLeft(g.blamed(), t.Func, t.At, t.In, t.Work))
	}
}

// pending returns the timers that have outlived their modules. None is known where the kernel cannot be read from outside.
func (g *Guest) pending() (pending []timers.Timer, err error) {
	outside, err := g.outside(callDeadline)
	if err != nil || outside == nil {
		return nil, err
	}
	defer outside.memory.Close()
	if outside.timers == nil {
		return nil, nil
	}
	began := time.Now()
	defer func() { g.log.add("timers", began, "", err) }()
	for range readings {
		err = outside.still(func(space *introspect.Space) error {
			pending, err = outside.timers.Read(space)
			return err
		})
		if !errors.Is(err, timers.ErrWheel) && !errors.Is(err, introspect.ErrUnmapped) {
			break
		}
	}
	return pending, err
}
