package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/vm"
)

// callDeadline is the watchdog of every request, in wall time. It is far above what any takes, also for a guest
// that shares its host's processors with others.
const callDeadline = 60 * time.Second

// try asks the guest for something that may fail.
func try[Req, Res any](g *Guest, op wire.Op[Req, Res], req Req) (Res, error) {
	return tryWithin(g, callDeadline, op, req)
}

// tryWithin is try with a watchdog of its own.
func tryWithin[Req, Res any](g *Guest, limit time.Duration, op wire.Op[Req, Res], req Req) (Res, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	res, err := vm.Call(ctx, g.vm, op, req)
	g.log.add(op.Name, began, req, err)
	return res, err
}

// requestLog is what the guest was asked, in order: evidence of what the scenario was doing.
type requestLog struct {
	mu    sync.Mutex
	start time.Time
	lines bytes.Buffer
	steps []string // what clients and whoever loads modules did
}

// mostOfRequest is how much of a request the log shows, in bytes.
const mostOfRequest = 120

func (l *requestLog) add(op string, began time.Time, req any, err error) {
	body, _ := json.Marshal(req) // it has just been sent
	if len(body) > mostOfRequest {
		body = append(body[:mostOfRequest], "..."...)
	}
	outcome := "ok"
	if err != nil {
		outcome = err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.start.IsZero() {
		l.start = began
	}
	if s := step(req); s != "" {
		l.steps = append(l.steps, s)
	}
	fmt.Fprintf(&l.lines, "%8.3f s  %6d ms  %-12s %s: %s\n", began.Sub(l.start).Seconds(),
		time.Since(began).Milliseconds(), op, body, outcome)
}

// bytes returns the log so far.
func (l *requestLog) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.lines.Bytes())
}

// story tells what was done so far.
func (l *requestLog) story() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return story(l.steps)
}

// call asks the guest for something that must succeed, or else fails the test.
func call[Req, Res any](g *Guest, op wire.Op[Req, Res], req Req) Res {
	g.tb.Helper()
	res, err := try(g, op, req)
	if err != nil {
		g.tb.Fatalf("%s: %v", op.Name, err)
	}
	return res
}
