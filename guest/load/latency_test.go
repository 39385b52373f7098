package load

import (
	"context"
	"testing"
	"time"

	"ktcp/guest/wire"
)

// TestNoTimeIsLeftOut checks that the histogram takes whatever an answer took: with a server that does not keep up with an open load
// that is more than patience.
func TestNoTimeIsLeftOut(t *testing.T) {
	times := []time.Duration{-1, 0, 1, time.Second, longest, longest + time.Second, 24 * time.Hour, 1<<63 - 1}
	w := newWorker(t, wire.LoadRequest{Addr: serve(t, echo), Protocol: wire.LoadEcho, Size: 1, Conns: 1, Rate: 1})
	for _, took := range times {
		w.now = int64(took)
		*w.time(0, w.clients[0].oldest) = 0
		w.clients[0].open = 1
		w.answered(0)
	}
	got, err := sum([]*worker{w})
	if err != nil || got.Good != len(times) || got.Latency.Count != int64(got.Good) {
		t.Fatalf("%d good answers and %d times, %v, want %d", got.Good, got.Latency.Count, err, len(times))
	}
	if l := got.Latency; l.Min > 1 || l.Max < longest || l.Max > longest+longest/1000 {
		t.Errorf("from %v to %v, want 0 to %v", l.Min, l.Max, longest)
	}
}

// TestDueInAges has an open load of which only the first request is due before the end of all times.
func TestDueInAges(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	got, err := Run(ctx, Spec{LoadRequest: wire.LoadRequest{
		Addr: serve(t, echo), Protocol: wire.LoadEcho, Size: 1, Conns: 20, Rate: 1e-13, KeepAlive: true,
	}})
	if err != nil || got.Good != 1 || got.Requests() != 1 || got.Latency.Count != 1 || got.Conns != 20 {
		t.Errorf("%+v, %v, want one request and 20 connections", got, err)
	}
}
