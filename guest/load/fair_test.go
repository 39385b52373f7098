package load

import (
	"testing"
	"time"

	"ktcp/guest/wire"
)

// A client that has lost its patience was passed over where the server had time for it, and not where it is slow with all.
func TestPassedOver(t *testing.T) {
	const second = int64(time.Second)
	for _, tt := range []struct {
		name           string
		now            int64 // the client's last progress was at 0
		lastGood, good int64 // of the others since
		want           bool
	}{
		{"nobody is answered", 5 * second, 0, 0, true},
		{"nobody any more", 9 * second, 4 * second, 3, true},
		{"slow with all", 5 * second, 5 * second, 8, false},
		{"the others many times", 5 * second, 5 * second, 4 * fairShare, true},
		{"slow with all for too long", lastPatience * 5 * second, lastPatience * 5 * second, 30, true},
	} {
		w := newWorker(t, wire.LoadRequest{
			Addr: serve(t, echo), Protocol: wire.LoadEcho, Size: 1, Conns: 4, Patience: 5 * time.Second, Fair: true,
		})
		c := &w.clients[0]
		w.now = 0
		w.progress(c)
		w.now, w.lastGood, w.result.Good = tt.now, tt.lastGood, w.result.Good+int(tt.good)
		if got := w.passedOver(c); got != tt.want {
			t.Errorf("%s: passed over %t, want %t", tt.name, got, tt.want)
		}
	}
}
