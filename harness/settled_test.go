package harness

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestSettled(t *testing.T) {
	leak := []wire.Site{{Cache: "kmalloc-128", Count: 3}, {Cache: "kmalloc-128", Count: 1}, {Cache: "dentry", Count: 1}}
	kept := []wire.Site{{Cache: "tw_sock_TCP", Count: 1, Protocol: true}}
	for _, tt := range []struct {
		name        string
		limit       time.Duration
		sites       []wire.Site
		goes        int // the settling with which they go; 0: they do not
		wantSites   int
		wantSettles int // -1: until the time is over
	}{
		{name: "nothing is there", limit: time.Hour},
		{name: "one look", sites: leak, goes: 1, wantSites: 3},
		{name: "at once", limit: time.Hour, sites: leak, goes: 1, wantSettles: 1},
		{name: "later", limit: time.Hour, sites: leak, goes: 3, wantSettles: 3},
		{name: "the protocol's own is not waited for", limit: time.Hour, sites: kept, wantSites: 1},
		{name: "the time is over with the first look", limit: time.Nanosecond, sites: leak, goes: 3, wantSettles: leastLooks},
		{name: "a leak", limit: 20 * time.Millisecond, sites: leak, wantSites: 3, wantSettles: -1},
	} {
		settles := 0
		got, err := settled(tt.limit, func() (wire.LedgerAnswer, error) {
			if tt.goes > 0 && settles >= tt.goes {
				return wire.LedgerAnswer{}, nil
			}
			return wire.LedgerAnswer{Sites: tt.sites}, nil
		}, func(caches []string) error {
			settles++
			if diff := cmp.Diff([]string{"dentry", "kmalloc-128"}, caches); diff != "" {
				t.Errorf("%s: caches to shrink (-want +got):\n%s", tt.name, diff)
			}
			return nil
		})
		if err != nil || len(got.Sites) != tt.wantSites {
			t.Errorf("%s: %d sites, %v, want %d", tt.name, len(got.Sites), err, tt.wantSites)
		}
		if tt.wantSettles >= 0 && settles != tt.wantSettles || tt.wantSettles < 0 && settles < leastLooks {
			t.Errorf("%s: settled %d times, want %d", tt.name, settles, tt.wantSettles)
		}
	}
}

func TestSettledFails(t *testing.T) {
	wrong := errors.New("QEMU is gone")
	leaks := func() (wire.LedgerAnswer, error) {
		return wire.LedgerAnswer{Sites: []wire.Site{{Cache: "dentry"}}}, nil
	}
	if _, err := settled(time.Hour, leaks, func([]string) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("a kernel that cannot be made to settle: %v, want %v", err, wrong)
	}
	if _, err := settled(time.Hour, func() (wire.LedgerAnswer, error) { return wire.LedgerAnswer{}, wrong }, nil); !errors.Is(err, wrong) {
		t.Errorf("a ledger that cannot be read: %v, want %v", err, wrong)
	}
}
