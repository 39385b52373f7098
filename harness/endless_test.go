package harness

import (
	"errors"
	"testing"

	"ktcp/guest/wire"
)

// A sweep ends when a call has gone undisturbed. One that never sees that has not tried all.
func TestSweepComesToAnEnd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stride int
		last   int // the allocation that there is none behind; 0: there is no end
		firsts int // batches
		want   error
	}{
		{"at once", 1, 3, 1, nil},
		{"in the third batch", 1, 2*sweepBatch + 1, 3, nil},
		{"with a stride", sweepStride, 2*sweepBatch*sweepStride + 1, 3, nil},
		{"never", 1, 0, sweepMost / sweepBatch, errSweepMost},
	} {
		batches := 0
		req := wire.SweepRequest{Stride: tt.stride}
		err := eachBatch(&req, func() bool {
			batches++
			return tt.last > 0 && req.First+req.Count*req.Stride > tt.last
		})
		if !errors.Is(err, tt.want) || batches != tt.firsts {
			t.Errorf("%s: %d batches, %v, want %d, %v", tt.name, batches, err, tt.firsts, tt.want)
		}
	}
}
