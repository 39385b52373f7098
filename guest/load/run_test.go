package load

import (
	"context"
	"net"
	"testing"
	"time"

	"ktcp/guest/wire"
)

// Loads that are to begin at a time begin then, however long before they were asked for.
func TestBeginsAtItsTime(t *testing.T) {
	addr := serve(t, func(c *net.TCPConn, _ int64) { echo(c, 0) })
	at := uptime() + 200*time.Millisecond
	r, err := Run(t.Context(), Spec{LoadRequest: wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadEcho, Size: 10, Conns: 2, Requests: 10, KeepAlive: true, At: at,
	}})
	if err != nil || r.Good != 10 {
		t.Fatalf("%+v, %v", r, err)
	}
	if since := uptime() - at; since < r.Elapsed || r.Elapsed <= 0 {
		t.Errorf("it took %v, and ended %v after its time: the wait is part of neither", r.Elapsed, since)
	}
}

// A load that has yet to begin can be stopped.
func TestRunIsCancelledBeforeItsTime(t *testing.T) {
	addr := serve(t, func(c *net.TCPConn, _ int64) { echo(c, 0) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan wire.LoadResult, 1)
	go func() {
		got, _ := Run(ctx, Spec{LoadRequest: wire.LoadRequest{
			Addr: addr, Protocol: wire.LoadEcho, Size: 10, Conns: 2, Requests: 10, KeepAlive: true, At: uptime() + time.Hour,
		}})
		ended <- got
	}()
	cancel()
	select {
	case got := <-ended:
		if got.Good != 0 {
			t.Errorf("%d requests before the load's time", got.Good)
		}
	case <-time.After(time.Minute):
		t.Error("a load that begins in an hour cannot be stopped")
	}
}
