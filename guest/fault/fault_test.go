package fault

import (
	"errors"
	"testing"

	"ktcp/guest/wire"
)

// The kernels of test machines are seldom built for fault injection: then that is what must be said.
func TestWithoutFaultInjection(t *testing.T) {
	if Ready() == nil {
		t.Log("this kernel injects faults")
		return
	}
	if _, err := (Sweeper{}).Sweep(wire.SweepRequest{First: 1, Count: 1, Netns: true}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Sweep: %v, want %v", err, ErrUnsupported)
	}
}

func TestStepNamesNoCall(t *testing.T) {
	if _, err := (Sweeper{}).step(wire.SweepRequest{}); err == nil {
		t.Error("a request without a call is no error")
	}
}
