package harness

import (
	"context"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/vm"
)

// loadDeadline is the watchdog of a load that is waited for, in wall time: a guest that counts instructions may take many
// seconds for one of its own.
const loadDeadline = 15 * time.Minute

// Load is traffic that clients in the guest make until it is stopped or has done what it was to do.
type Load struct {
	g  *Guest
	id uint64
}

// Traffic starts conns clients that connect from inside the namespace, ask for / and begin again. Where want is empty whatever comes is
// an answer; otherwise it has to be one of HTTP with that body.
func (n *Netns) Traffic(addr string, conns int, want string) *Load {
	n.g.tb.Helper()
	if want != "" {
		return n.StartLoad(wire.LoadRequest{Addr: addr, Conns: conns, Protocol: wire.LoadHTTP, Expect: []byte(want), Persist: true})
	}
	return n.StartLoad(wire.LoadRequest{
		Addr: addr, Conns: conns, Send: []byte("GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: close\r\n\r\n"),
	})
}

// Load runs a load of which every request must be answered and waits for its end: with Requests or Duration it has one. Clients
// connect from inside the namespace.
func (n *Netns) Load(req wire.LoadRequest) wire.LoadResult {
	n.g.tb.Helper()
	result := n.StartLoad(req).Wait()
	if !result.AllGood() {
		n.g.tb.Errorf("%d of %d requests from %v to %s were answered well: %+v", result.Good, result.Requests(), n, req.Addr, counts(result))
	}
	return result
}

// counts leaves out of a result what is long.
func counts(r wire.LoadResult) wire.LoadResult {
	r.Latency, r.Waited = wire.Latency{}, wire.Latency{}
	return r
}

// StartLoad starts a load of any kind.
func (n *Netns) StartLoad(req wire.LoadRequest) *Load {
	n.g.tb.Helper()
	req.Netns = n.name
	if req.Patience == 0 && req.Manner == "" {
		req.Patience, req.Fair = n.g.patience(), true
	}
	return &Load{g: n.g, id: call(n.g, wire.LoadStart, req).Load}
}

// Wait waits until the load has done what it was to do, and returns what the clients saw.
func (l *Load) Wait() wire.LoadResult {
	l.g.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), loadDeadline)
	defer cancel()
	began := time.Now()
	req := wire.LoadStopRequest{Load: l.id, Wait: true}
	result, err := vm.Call(ctx, l.g.vm, wire.LoadStop, req)
	l.g.log.add(wire.LoadStop.Name, began, req, err)
	if err != nil {
		l.g.tb.Fatalf("load: %v", err)
	}
	l.judge(result)
	return result
}

// Stop stops the clients and returns what they saw. Answers that were wrong or cut short are findings whatever the
// scenario was doing meanwhile: a server may refuse, it may not lie.
func (l *Load) Stop() wire.LoadResult {
	l.g.tb.Helper()
	result := call(l.g, wire.LoadStop, wire.LoadStopRequest{Load: l.id})
	l.judge(result)
	return result
}

// judge turns what no server may do into findings.
func (l *Load) judge(result wire.LoadResult) {
	if bad := result.Wrong + result.Short; bad > 0 {
		l.g.wireFinding("%d of %d answers were wrong or cut short, the first: %s", bad, bad+result.Good, result.Sample)
	}
	if result.Unasked > 0 {
		l.g.wireFinding("%d connections brought bytes that nobody had asked for, the first: %s", result.Unasked, result.Sample)
	}
	if result.Timeout > 0 {
		l.g.wireFinding("%d clients got no answer for %v or longer: %s", result.Timeout, l.g.patience(), result.Sample)
	}
}
