package harness

import (
	"context"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/vm"
)

// callDeadline is the watchdog of every request, in wall time. It is far above what any takes, also for a guest
// that shares its host's processors with others.
const callDeadline = 60 * time.Second

// try asks the guest for something that may fail.
func try[Req, Res any](g *Guest, op wire.Op[Req, Res], req Req) (Res, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
	defer cancel()
	return vm.Call(ctx, g.vm, op, req)
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
