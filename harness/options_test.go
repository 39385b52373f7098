package harness

import (
	"slices"
	"testing"

	"ktcp/harness/kernel"
	"ktcp/harness/vm"
)

// All guests begin with the same parameters: what one leaves out the next one has, and what one adds stands last.
func TestShapeLeavesTheSpecAlone(t *testing.T) {
	layouts := "y"
	shared := vm.Spec{Append: []string{ledgerParameter, "quiet"}}
	guest := func(options ...Option) []string {
		g := &Guest{rig: &rig{kernel: &kernel.Kernel{Config: map[string]string{
			pageOwner: "y", "CONFIG_DEBUG_INFO_BTF": layouts, "CONFIG_DEBUG_KMEMLEAK": "y",
		}}}}
		for _, o := range options {
			o(g)
		}
		return g.shape(shared).Append
	}
	want := []string{ledgerParameter, "quiet"}
	if vm.MemoryReadable() {
		want = append(want, pagesParameter)
	}
	want = append(want, "kmemleak=off")
	for _, tt := range []struct {
		name    string
		options []Option
		want    []string
	}{
		{"plain", nil, want},
		{"unledgered", []Option{Unledgered()}, []string{"quiet", "kmemleak=off"}},
		{"printed", []Option{PrintedLedger()}, []string{ledgerParameter, "quiet", "kmemleak=off"}},
		{"its own", []Option{KernelParameters("page_owner=off")}, append(slices.Clone(want), "page_owner=off")},
		{"plain again", nil, want},
	} {
		if got := guest(tt.options...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	layouts = "" // the guest would print its ledger
	if got := guest(); !slices.Equal(got, []string{ledgerParameter, "quiet", "kmemleak=off"}) {
		t.Errorf("of a kernel that does not tell how it is laid out: %q", got)
	}
	if !slices.Equal(shared.Append, []string{ledgerParameter, "quiet"}) {
		t.Errorf("what all share has become %q", shared.Append)
	}
}
