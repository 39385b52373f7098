package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"ktcp/harness/introspect"
	"ktcp/harness/slab"
)

// What is wrong with a kernel or a machine is known beforehand, and the guest prints its ledger. What goes wrong with a guest leaves the
// oracle blind.
func TestUnlearnable(t *testing.T) {
	for err, want := range map[error]bool{
		introspect.ErrNoLayout: true, introspect.ErrNoSymbol: true, introspect.ErrNoField: true, fs.ErrPermission: true,
		slab.ErrBooks: false, introspect.ErrUnmapped: false, introspect.ErrOtherKernel: false, errors.New("QEMU is gone"): false,
	} {
		if got := unlearnable(fmt.Errorf("read: %w", err)); got != want {
			t.Errorf("%v: the guest prints: %v, want %v", err, got, want)
		}
	}
	if unlearnable(nil) {
		t.Error("no error has the guest print")
	}
}
